"""Classification: the best class is what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.classify import softmax
from edgelens.train.data.targets import Targets
from edgelens.train.tasks.classify.calibrate import nearest_temperature
from edgelens.train.tasks.classify.labels import class_ids

from ..network.tail import last_layers_and_pooling
from .task import Arrays, Task

__all__ = ["TASK", "matched_temperature"]


def _best(outputs: Arrays) -> NDArray[np.intp]:
    best: NDArray[np.intp] = np.argmax(outputs["logits"], axis=1)
    return best


def _right(outputs: Arrays, targets: Targets) -> NDArray[np.bool_]:
    """(N,) whether the best class is the picture's."""
    right: NDArray[np.bool_] = _best(outputs) == class_ids(targets)
    return right


def _judge(outputs: Arrays, targets: Targets) -> float:
    """Top-1."""
    return float(_right(outputs, targets).mean())


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


def _resettle(before: Arrays, after: Arrays, _targets: Targets, settled: Decode) -> Decode:
    """The temperature at which what ships is as sure as the trained network was; the threshold then means the same."""
    held = settled.options.get("temperature", 1.0)
    temperature = matched_temperature(softmax(before["logits"], held), after["logits"])
    return replace(settled, options={**settled.options, "temperature": round(temperature, 5)})


def matched_temperature(wanted: NDArray[np.float64], logits: NDArray[np.float32]) -> float:
    """The temperature that brings logits (N, C) nearest to probabilities (N, C); no label is asked.

    The trained network's own was fitted on answers to pictures that it had not learned. Those who compress have few
    such pictures, or none, but any picture shows how two networks' scores lie to each other.
    """
    scaled = logits.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    return nearest_temperature(scaled, (wanted * scaled).sum(axis=1))


TASK = Task(
    "classify",
    ("logits",),
    _judge,
    _agreement,
    _golden,
    _resettle,
    last_layers_and_pooling,
    right=_right,
    labelled={"logits": "one score a class, before the softmax"},
)
