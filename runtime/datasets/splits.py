"""Which split of a labelled set is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

__all__ = ["SPLITS", "SPLIT_WORDS", "split_called", "split_for_evaluation"]

SPLITS = ("train", "val", "test")
SPLIT_WORDS = {  # what people call them
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
_WORD = re.compile(r"[a-z]+")


def split_called(parts: Iterable[str]) -> str:
    """The split that the last of some folder or file names speaks of, as `valid`, `val2017` or `test_labels` do."""
    words = [word for part in parts for word in _WORD.findall(part.lower())]
    return next((SPLIT_WORDS[word] for word in reversed(words) if word in SPLIT_WORDS), "")


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
