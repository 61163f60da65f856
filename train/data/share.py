"""A share of the training images, even over the classes, for learning curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .train_data import Part, TrainData

__all__ = ["cut", "part_of"]


def cut(data: TrainData, share: float, seed: int) -> TrainData:
    """The data set with a share of its training images; the others are in no split."""
    if share >= 1:
        return data
    rows = part_of(data.train.labels, share, seed)
    whole = data.train
    missing = None if whole.missing is None else whole.missing[rows]
    part = Part(whole.pictures.select(rows), whole.labels[rows], whole.images.select(rows), missing)
    splits = data.splits.copy()
    splits[np.setdiff1d(np.flatnonzero(splits == "train"), np.flatnonzero(splits == "train")[rows])] = ""
    return replace(data, train=part, images=replace(data.images, splits=splits))


def part_of(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.intp]:
    """Rows that are a share of every class, one of each at least; a larger share holds a smaller one's rows."""
    draw = np.random.default_rng((seed, 0x63757276))
    rows = [draw.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([own[: max(1, round(len(own) * share))] for own in rows]))
