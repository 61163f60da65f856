"""What a detector's answers on the validation split come to, for its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.boxes import corners_of_xywh, overlaps
from edgelens.runtime.metrics.detection import Boxes

from ...report.findings import Findings
from .answers import FOUND, found_boxes, truth_of
from .metrics import measure
from .settle import Curve, curves_of, hits_of

__all__ = ["Seen", "seen_of"]

_OVERLAP = 0.5


@dataclass(frozen=True)
class Seen:
    """Findings, and what only a detector's have; boxes in pixels of the network's picture."""

    found: Findings
    truth: Boxes
    boxes: Boxes  # all that were found
    passed: NDArray[np.bool_]  # which of them reach their class's threshold
    hit: NDArray[np.intp]  # which box of the truth each of them is, -1 for none
    counts: NDArray[np.bool_]  # False where one lies in a crowd
    curves: tuple[Curve, ...]
    metrics: dict[str, Any]  # of `measure`
    train_map: float  # mAP50-95 on unaugmented training pictures

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return self.found.classes

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Which boxes of the truth nothing was found for, at the thresholds."""
        missed = np.ones(len(self.truth.labels), bool) if self.truth.crowd is None else ~self.truth.crowd
        missed[self.hit[self.passed & (self.hit >= 0)]] = False
        return missed

    @property
    def false(self) -> NDArray[np.bool_]:
        """Which found boxes are none of the truth's, at the thresholds."""
        return self.passed & self.counts & (self.hit < 0)

    def confusion(self) -> NDArray[np.int64]:
        """(classes + 1, classes + 1): boxes that are (row) and were found as (column); the last is nothing."""
        size = len(self.classes)
        table = np.zeros((size + 1, size + 1), np.int64)
        right = self.passed & (self.hit >= 0)
        np.add.at(table, (self.boxes.labels[right], self.boxes.labels[right]), 1)
        missed, false = self.missed, self.false
        taken = np.zeros(len(missed), bool)
        mine, theirs = corners_of_xywh(self.boxes.boxes), corners_of_xywh(self.truth.boxes)
        for row in np.flatnonzero(false):
            near = np.flatnonzero(missed & ~taken & (self.truth.images == self.boxes.images[row]))
            shared = overlaps(mine[row : row + 1], theirs[near])[0]
            if len(near) and shared.max() >= _OVERLAP:
                taken[near[shared.argmax()]] = True
                table[self.truth.labels[near[shared.argmax()]], self.boxes.labels[row]] += 1
            else:
                table[size, self.boxes.labels[row]] += 1
        table[:size, size] += np.bincount(self.truth.labels[missed & ~taken], minlength=size)
        return table


def seen_of(found: Findings) -> Seen:
    """Match and measure what the network answered."""
    boxes, truth = found_boxes(found.val[FOUND]), truth_of(found.val_targets)
    hit, counts = hits_of(boxes, truth)
    decode = found.decode
    own = np.array([decode.least(name) for name in found.classes])
    assert boxes.scores is not None
    passed = boxes.scores >= own[boxes.labels] if len(boxes.labels) else np.zeros(0, bool)
    train = measure(found.train[FOUND], found.train_targets, found.classes, decode)
    return Seen(
        found,
        truth,
        boxes,
        passed,
        hit,
        counts,
        tuple(curves_of(boxes, truth, len(found.classes))),
        measure(found.val[FOUND], found.val_targets, found.classes, decode),
        train["map50_95"] or 0.0,
    )
