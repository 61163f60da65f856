"""Classification: the best class is what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.classify import softmax
from edgelens.train.data.targets import Targets
from edgelens.train.tasks.classify.calibrate import fitted_temperature
from edgelens.train.tasks.classify.labels import class_ids

from ..network.tail import last_layers_and_pooling
from .task import Arrays, Task

__all__ = ["TASK", "matching_threshold"]


def _best(outputs: Arrays) -> NDArray[np.intp]:
    best: NDArray[np.intp] = np.argmax(outputs["logits"], axis=1)
    return best


def _judge(outputs: Arrays, targets: Targets) -> float:
    """Top-1."""
    return float((_best(outputs) == class_ids(targets)).mean())


def _agreement(ours: Arrays, theirs: Arrays) -> float:
    """How often the best class is the same."""
    return float((_best(ours) == _best(theirs)).mean())


def _golden(outputs: Arrays, count: int) -> list[int]:
    """Frames of as many classes as there are, with the largest gap between best and second best.

    An answer on the brink tells processors apart, not right from wrong: of each class the clearer half is taken from.
    """
    logits = outputs["logits"]
    if logits.shape[1] < 2:
        return list(range(min(count, len(logits))))
    ordered = np.sort(logits, axis=1)
    gap, best = ordered[:, -1] - ordered[:, -2], _best(outputs)
    turns: list[tuple[int, float, int]] = []
    for label in np.unique(best):
        mine = np.flatnonzero(best == label)
        clear = mine[np.argsort(-gap[mine])][: max(len(mine) // 2, 1)]
        turns += [(turn, -float(gap[row]), int(row)) for turn, row in enumerate(clear)]
    return [row for _, _, row in sorted(turns)[:count]]


def _resettle(before: Arrays, after: Arrays, targets: Targets, settled: Decode) -> Decode:
    """Temperature fitted again to what ships, and the threshold that rejects as much as before: 8 bits move scores."""
    labels = class_ids(targets)
    temperature = fitted_temperature(after["logits"], labels)
    held = fitted_temperature(before["logits"], labels)
    threshold = matching_threshold(before["logits"], held, settled.threshold, after["logits"], temperature)
    options = {**settled.options, "temperature": round(temperature, 5)}
    return replace(settled, threshold=round(threshold, 5), options=options)


def matching_threshold(
    float_logits: NDArray[np.float32],
    float_temperature: float,
    float_threshold: float,
    logits: NDArray[np.float32],
    temperature: float,
) -> float:
    """The threshold at which the shipped model rejects as many of the same images as the float one did."""
    if float_threshold <= 0:
        return 0.0
    before = softmax(float_logits, float_temperature).max(axis=1)
    after = softmax(logits, temperature).max(axis=1)
    rejected = float((before < float_threshold).mean())
    if rejected == 0:  # no image says where it lies: keep the same distance from certainty
        return float(np.clip(float_threshold, 0, min(1.0, float(after.min()))))
    if rejected == 1:
        return float(np.clip(float_threshold, min(1.0, float(np.nextafter(after.max(), 2))), 1.0))
    return float(np.clip(np.quantile(after, rejected), 0, 1))


TASK = Task(
    "classify",
    ("logits",),
    _judge,
    _agreement,
    _golden,
    _resettle,
    last_layers_and_pooling,
    labelled={"logits": "one score a class, before the softmax"},
)
