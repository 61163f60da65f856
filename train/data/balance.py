"""An order in which every kind of picture comes equally often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["balanced_order", "in_company"]


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


def in_company(order: NDArray[np.intp], labels: NDArray[Any], together: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The same rows, of each class so many one after the other: what compares pictures needs several of a kind."""
    if together <= 1:
        return order
    draw = np.random.default_rng((seed, epoch, 0x636F))
    kinds = [order[labels[order] == label] for label in np.unique(labels[order])]
    parts = [kind[start : start + together] for kind in kinds for start in range(0, len(kind), together)]
    return np.concatenate([parts[i] for i in draw.permutation(len(parts))])
