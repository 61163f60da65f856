"""A name's exemplars that matter: so few that none of the others is far from one that stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_EXEMPLARS", "standing_for_all"]

MOST_EXEMPLARS = 25


def standing_for_all(rows: NDArray[np.float32], most: int = MOST_EXEMPLARS) -> NDArray[np.intp]:
    """Which of some rows (N, D) of length 1 stay, in their order: together they are nearest to all.

    Each pick is the one that brings all rows nearest to what was picked so far (greedy facility location).
    """
    if len(rows) <= most:
        return np.arange(len(rows))
    near = rows @ rows.T
    best, taken = np.full(len(rows), -np.inf, np.float32), np.zeros(len(rows), bool)
    for _ in range(most):
        gain = np.maximum(near, best[:, None]).sum(axis=0)
        gain[taken] = -np.inf
        pick = int(gain.argmax())
        taken[pick] = True
        best = np.maximum(best, near[:, pick])
    return np.flatnonzero(taken)
