"""Which split of a labelled set is meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

__all__ = ["SPLITS", "split_for_evaluation"]

SPLITS = ("train", "val", "test")


def split_for_evaluation(splits: NDArray[np.str_], asked: str | None, root: str) -> str:
    """The split to evaluate on: the asked one, else test, else val, else "all"."""
    if asked not in (None, "all", *SPLITS):
        raise DataError(f"--split {asked}: must be one of {', '.join(SPLITS)} or all")
    for name in (asked,) if asked else ("test", "val"):
        if name != "all" and (splits == name).any():
            return str(name)
    if asked not in (None, "all"):
        there = ", ".join(sorted({str(s) for s in splits if s})) or "none"
        raise DataError(f"{root}: has no split {asked!r}; there are: {there}")
    return "all"
