"""From features to what a device needs: learned pictures that stand for all, and a limit from known ones alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.known import NEIGHBOURS, Known
from edgelens.runtime.gallery.thin import standing_for_all

__all__ = ["MOST_OF_CLASS", "fit_known", "representatives", "right_answers"]

# Measured on eight kinds of clothes, two more and five other sets: `python benchmarks/train_unknown.py`
MOST_OF_CLASS = 25
_LEAST_TAIL = 1e-3  # by so much eight bits may move a distance


def representatives(
    rows: NDArray[np.float32], labels: NDArray[np.int64], most: int = MOST_OF_CLASS
) -> NDArray[np.intp]:
    """Which rows (N, K) of each class stand nearest to all others of it, up to so many of a class, in their order."""
    unit = _unit(rows)
    own = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.sort(np.concatenate([each[standing_for_all(unit[each], most)] for each in own]))


def right_answers(
    scores: NDArray[np.float32], labels: NDArray[Any], classes: Sequence[str], background: Sequence[str]
) -> NDArray[np.bool_]:
    """(N,) whether the best of (N, classes) is the label, and something that is announced."""
    silent = [i for i, name in enumerate(classes) if name in background]
    right: NDArray[np.bool_] = scores[np.arange(len(labels)), labels] == scores.max(1)
    return right & ~np.isin(labels, silent)


def fit_known(
    learned: NDArray[np.float32],
    labels: NDArray[np.int64],
    honest: NDArray[np.float32],
    scores: NDArray[np.float32],
    keep: float,
    *,
    learned_groups: NDArray[np.intp] | None = None,
    honest_groups: NDArray[np.intp] | None = None,
) -> Known | None:
    """Known pictures (N, K) with class ids, and the limit that keeps a share of the right answers to `honest` (M, K).

    `scores` (M,) are those answers'. A picture is not held against one of its own group, where groups are given. None
    where so few right answers allow no limit.
    """
    # of the answers to come, so many parts of a hundred lie below; what is next to a whole number is meant to be it
    rank = max(int(np.ceil(keep * (len(scores) + 1) - 1e-9)), 1)
    if rank > len(scores):
        return None
    rows = representatives(learned, labels)
    bank = _unit(learned[rows])
    near = _unit(honest) @ bank.T
    if learned_groups is not None and honest_groups is not None:
        near[honest_groups[:, None] == learned_groups[rows][None]] = -np.inf
    count = min(NEIGHBOURS, len(bank))
    nearest = np.sort(near, axis=1)[:, -count:]
    reached = np.isfinite(nearest)
    mean = np.where(reached, nearest, 0).sum(axis=1) / np.maximum(reached.sum(axis=1), 1)
    distances = np.asarray(1 - mean, np.float32)
    known = Known(bank, np.sort(scores), -np.sort(-distances), 1.0)
    unusual = np.sort([known.unusual_of(float(s), float(d)) for s, d in zip(scores, distances, strict=True)])
    return replace(known, limit=float(unusual[rank - 1]), tail=_tail(known.distances))


def _tail(falling: NDArray[np.float32]) -> float:
    """How fast a normal curve through the distances falls at the farthest, from where on it falls no faster.

    It tells more of few than the mean excess of their farthest tenth (4 % of CIFAR-10 taken for clothes in place of 7).
    """
    beyond = float(falling[0] - falling.mean())
    return max(float(falling.var()) / beyond, _LEAST_TAIL) if beyond > 0 else _LEAST_TAIL


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
