"""Reading: the very same text is what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.spelling.alignment import spoken
from edgelens.train.data.targets import Targets
from edgelens.train.tasks.read.data import rows_of
from edgelens.train.tasks.read.settle import read_once

from ..network.tail import last_layers_and_pooling
from .task import Arrays, Task

__all__ = ["TASK"]

Text = tuple[int, ...]


def _read(outputs: Arrays) -> list[Text]:
    """What every picture's scores (T, C) say, as columns."""
    return [spoken(steps) for steps in outputs["scores"]]


def _right(outputs: Arrays, targets: Targets) -> NDArray[np.bool_]:
    """(N,) whether a picture's whole text is right."""
    return np.array([ours == theirs for ours, theirs in zip(_read(outputs), rows_of(targets), strict=True)])


def _judge(outputs: Arrays, targets: Targets) -> float:
    """The share of whole texts that are right."""
    return float(_right(outputs, targets).mean())


def _agreement(ours: Arrays, theirs: Arrays) -> float:
    """How often the same text is read."""
    return float(np.mean([a == b for a, b in zip(_read(ours), _read(theirs), strict=True)]))


def _golden(outputs: Arrays, count: int) -> list[int]:
    """Frames of which no step is a close call, of many lengths where there are some."""
    scores = outputs["scores"]
    ordered = np.sort(scores, axis=2)
    margins = (ordered[..., -1] - ordered[..., -2]).min(axis=1)
    turns: dict[int, int] = {}
    ranked: list[tuple[int, float, int]] = []
    for row in np.argsort(-margins).tolist():
        length = len(spoken(scores[row]))
        if length:
            turns[length] = turns.get(length, 0) + 1
            ranked.append((turns[length], -float(margins[row]), row))
    rows = [row for _, _, row in sorted(ranked)[:count]]
    return rows or list(range(min(count, len(scores))))


def _resettle(_before: Arrays, after: Arrays, targets: Targets, settled: Decode) -> Decode:
    """The threshold once more, by what ships."""
    return replace(settled, threshold=read_once(after["scores"], targets).threshold)


TASK = Task(
    "read",
    ("scores",),
    judge=_judge,
    agreement=_agreement,
    golden=_golden,
    resettle=_resettle,
    tail=last_layers_and_pooling,
    right=_right,
)
