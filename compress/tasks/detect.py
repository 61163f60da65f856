"""Detection: boxes are what counts, not the maps that they come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.boxes import overlaps
from edgelens.runtime.metrics.detection import average_precision
from edgelens.train.data.targets import Targets
from edgelens.train.tasks.detect.answers import found_boxes, found_in, truth_of
from edgelens.train.tasks.detect.settle import curves_of, thresholds_of

from ..network.tail import last_layers_and_pooling
from .task import Arrays, Task

__all__ = ["TASK", "alike"]

_SURE = 0.3  # the score from which a box is asked for in the other network's answer
_NEAR = 0.1  # how much less it may score there: a box on the brink is no disagreement
_OVERLAP = 0.5
_CLOSE, _CLOSELY = 0.02, 0.9  # the same of one network in two formats
_BRINK = (0.15, 0.5)  # scores that another machine's rounding may carry over a threshold
_STRIDES = (4, 8, 16, 32)


def _strides(outputs: Arrays) -> tuple[int, ...]:
    """The strides that a network answers at."""
    return tuple(stride for stride in _STRIDES if f"scores{stride}" in outputs)


def _found(outputs: Arrays) -> NDArray[np.float32]:
    return found_in(outputs, _strides(outputs))


def _classes(outputs: Arrays) -> int:
    return int(outputs[f"scores{_strides(outputs)[-1]}"].shape[1])


def _judge(outputs: Arrays, targets: Targets) -> float:
    """MAP50-95 in pixels of the network's picture."""
    scores = average_precision(truth_of(targets), found_boxes(_found(outputs)), _classes(outputs), ("all",))
    return max(scores.mean(), 0.0)


def _agreement(ours: Arrays, theirs: Arrays) -> float:
    """The share of sure boxes that the other has too."""
    return alike(_found(ours), _found(theirs), overlap=_OVERLAP, near=_NEAR)


def _closely(ours: Arrays, theirs: Arrays) -> float:
    """The share of sure boxes that the other format has at the same place with the same score."""
    return alike(_found(ours), _found(theirs), overlap=_CLOSELY, near=_CLOSE)


def alike(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], *, overlap: float, near: float, sure: float = _SURE
) -> float:
    """The share of boxes (N, M, 6 each, as they are kept) from a score on that the other has, both ways.

    One is there where a box of its class overlaps it by so much and scores at most `near` less or more.
    """
    hits = total = 0
    for one, other in ((ours, theirs), (theirs, ours)):
        for mine, all_theirs in zip(one, other, strict=True):
            asked, there = mine[(mine[:, 5] >= 0) & (mine[:, 4] >= sure)], all_theirs[all_theirs[:, 5] >= 0]
            total += len(asked)
            if len(asked) and len(there):
                same = asked[:, None, 5] == there[None, :, 5]
                close = np.abs(asked[:, None, 4] - there[None, :, 4]) <= near
                hits += int((same & close & (overlaps(asked[:, :4], there[:, :4]) >= overlap)).any(axis=1).sum())
    return hits / total if total else 1.0


def _golden(outputs: Arrays, count: int) -> list[int]:
    """Frames in which things are found for sure, of as many classes as there are, with few boxes on the brink."""
    rows = _found(outputs)
    there = rows[..., 5] >= 0
    sure = there & (rows[..., 4] > _BRINK[1])
    brink = (there & (rows[..., 4] > _BRINK[0]) & (rows[..., 4] <= _BRINK[1])).sum(axis=1)
    doubt = brink / np.maximum(sure.sum(axis=1), 0.5)
    order = np.argsort(doubt, kind="stable").tolist()
    picked: list[int] = []
    seen: set[int] = set()
    for row in order:  # first the clearest frame of each class
        own = set(rows[row, sure[row], 5].astype(int).tolist())
        if own - seen and len(picked) < count:
            picked.append(row)
            seen |= own
    return [*picked, *(row for row in order if row not in picked)][:count]


def _resettle(_before: Arrays, after: Arrays, targets: Targets, settled: Decode) -> Decode:
    """Each class's threshold of best F1 again, on what ships; a class that has too few boxes keeps its own."""
    curves = curves_of(found_boxes(_found(after)), truth_of(targets), _classes(after))
    own, common = thresholds_of(curves)
    held = settled.thresholds.items()  # every class's, in order
    fitted = {name: old if new is None else new for (name, old), new in zip(held, own, strict=True)}
    return replace(settled, threshold=common, thresholds=fitted)


TASK = Task(
    "detect",
    (),  # by the strides of each run
    _judge,
    _agreement,
    _golden,
    _resettle,
    last_layers_and_pooling,
    word="mAP50-95",
    closely=_closely,
    counted="sure boxes",
    labelled={f"scores{stride}": "one score a class and cell, from 0 to 1" for stride in _STRIDES},
)
