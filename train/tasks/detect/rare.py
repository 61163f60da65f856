"""Repeat factors: pictures with a rare class come more often, so that it is learnt (Gupta et al., LVIS, 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...data.targets import Targets

__all__ = ["repeat_factors"]

_RARE = 0.1  # the share of pictures under which a class is rare
_MOST = 4.0


def repeat_factors(targets: Targets, classes: int) -> NDArray[np.float64] | None:
    """(N,) how often each picture is to come, by its rarest class; None where no class is rare."""
    arrays = targets.arrays()
    pictures = np.repeat(np.arange(len(targets)), np.diff(arrays["starts"]))
    there = np.zeros((len(targets), classes), bool)
    there[pictures, arrays["labels"]] = True
    share = there.mean(axis=0)
    factors = np.where(share > 0, np.sqrt(_RARE / np.maximum(share, 1e-9)), 1.0).clip(1.0, _MOST)
    if (factors == 1).all():
        return None
    repeats: NDArray[np.float64] = np.where(there, factors, 1.0).max(axis=1, initial=1.0)
    return repeats
