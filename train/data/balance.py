"""An order in which every kind of picture comes equally often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["balanced_order", "in_company", "repeated_order"]


def balanced_order(labels: NDArray[Any], seed: int, epoch: int) -> NDArray[np.intp]:
    """As many rows as labels for one epoch, every class equally often, none of a class twice before all once."""
    draw = np.random.default_rng((seed, epoch, 0x6261))
    present = np.unique(labels)
    rows: list[NDArray[np.intp]] = []
    for turn, label in enumerate(present):
        own = np.flatnonzero(labels == label)
        share = len(labels) // len(present) + ((turn + epoch) % len(present) < len(labels) % len(present))
        rounds = [draw.permutation(own) for _ in range(-(-share // len(own)))]
        rows.append(np.concatenate(rounds)[:share])
    return draw.permutation(np.concatenate(rows))


def repeated_order(repeats: NDArray[np.float64], seed: int, epoch: int) -> NDArray[np.intp]:
    """As many rows as repeats for one epoch, each as often in the long run as its repeat asks beside the others'."""
    draw = np.random.default_rng((seed, epoch, 0x7265))
    order = draw.permutation(len(repeats))  # whose turn it is to be rounded up
    wanted = np.cumsum((repeats / repeats.sum() * len(repeats))[order])
    counts = np.diff(np.floor(np.r_[0.0, wanted] + draw.random()).astype(np.intp))
    rows = np.repeat(order, counts)
    missing = len(repeats) - len(rows)
    rows = np.concatenate([rows, order[: max(missing, 0)]])[: len(repeats)]
    return draw.permutation(rows)


def in_company(order: NDArray[np.intp], labels: NDArray[Any], together: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The same rows, of each class so many one after the other: what compares pictures needs several of a kind."""
    if together <= 1:
        return order
    draw = np.random.default_rng((seed, epoch, 0x636F))
    kinds = [order[labels[order] == label] for label in np.unique(labels[order])]
    parts = [kind[start : start + together] for kind in kinds for start in range(0, len(kind), together)]
    return np.concatenate([parts[i] for i in draw.permutation(len(parts))])
