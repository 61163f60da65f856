"""The space that a network's features lie in: how they are compared, and what is known of strangers there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .index import unit

__all__ = ["Space", "space_with_cohort"]

_LEAST = 20  # strangers that allow a limit
_USUAL = 0.6  # a cosine for where nothing is known of strangers


@dataclass(frozen=True)
class Space:
    """One network's features: its name for them, and pictures or figures of what was never taught."""

    name: str  # the network's `feature_space`
    width: int
    center: NDArray[np.float32] | None = None  # (D,) of rows of length 1; what all pictures share tells nothing
    cohort: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))  # (M, D) placed
    accepts: Sequence[tuple[float, float]] = ()  # (share of strangers, the cosine that so many of them reach), falling

    def placed(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (..., D) as they are compared: by their direction from what is usual."""
        directed = unit(np.asarray(rows, np.float32))
        return directed if self.center is None else unit(directed - self.center)

    def limit(self, false_accepts: float, names: int, similarities: NDArray[np.float32]) -> float:
        """The similarity that a stranger reaches with none of so many names but in so many cases.

        `similarities` are those that strangers have with the name that is asked for, where some are known.
        """
        each = 1 - (1 - false_accepts) ** (1 / max(names, 1))
        if self.accepts:
            return _interpolated(self.accepts, each)
        if len(similarities) < _LEAST:
            return _USUAL
        reached = NormalDist().inv_cdf(1 - each)
        return float(similarities.mean() + reached * similarities.std())


def space_with_cohort(name: str, bank: NDArray[np.float32]) -> Space:
    """The space of a classifier with rows (M, D) of pictures that it was trained on."""
    learned = unit(bank)
    center = learned.mean(axis=0)
    return Space(name, bank.shape[1], center, unit(learned - center))


def _interpolated(accepts: Sequence[tuple[float, float]], share: float) -> float:
    """The cosine at a share between those that are known, and beyond them, on the scale of a normal distribution."""
    known = sorted((NormalDist().inv_cdf(1 - rate), cosine) for rate, cosine in accepts)
    at = NormalDist().inv_cdf(1 - share)
    (low, under), (high, over) = known[0], known[-1]
    for one, other in itertools.pairwise(known):
        if at >= one[0]:
            (low, under), (high, over) = one, other
    if high - low < 1e-6:
        return over
    return min(under + (over - under) * (at - low) / (high - low), 0.999)
