"""A detector's answers as boxes: decoded as the device does it, held in arrays that can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.boxes import suppress
from edgelens.runtime.decode.lens_det import candidates, levels_of
from edgelens.runtime.decode.voting import VOTE, voted
from edgelens.runtime.metrics.detection import Boxes

from ...data.targets import Targets
from ...task import Arrays

__all__ = ["FOUND", "IOU", "MOST", "TAIL", "Found", "found_boxes", "found_in", "found_of", "kept_outputs", "truth_of"]

FOUND = "found"  # (N, MOST, 6): x1, y1, x2, y2, score, class of what was found in each picture; class -1 is nothing
MOST = 100  # boxes a picture that count, as in COCO
IOU = 0.6  # of boxes of one class that are one
TAIL = 0.005  # scores below change no average precision that can be seen
_CANDIDATES = 500


@dataclass(frozen=True)
class Found:
    """The rows of `FOUND` that are boxes: (R, ...) each."""

    pictures: NDArray[np.int64]
    boxes: NDArray[np.float64]  # x1, y1, x2, y2
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


def found_in(outputs: Mapping[str, NDArray[np.float32]], strides: Sequence[int]) -> NDArray[np.float32]:
    """`FOUND` of a batch's outputs (N, ...) by name."""
    count = len(next(iter(outputs.values())))
    rows = np.zeros((count, MOST, 6), np.float32)
    rows[..., 5] = -1
    for i in range(count):
        mine = {name: values[i] for name, values in outputs.items()}
        seen = candidates(levels_of(mine, strides), TAIL, _CANDIDATES)
        kept = suppress(seen.boxes, seen.scores, seen.ids, IOU, MOST)
        boxes = voted(seen.boxes, seen.scores, seen.ids, kept, VOTE)
        rows[i, : len(kept)] = np.c_[boxes, seen.scores[kept], seen.ids[kept]]
    return rows


def found_of(rows: NDArray[np.float32]) -> Found:
    """The boxes of `FOUND`, picture after picture."""
    pictures, at = np.nonzero(rows[..., 5] >= 0)
    boxes = rows[pictures, at]
    return Found(
        pictures.astype(np.int64),
        boxes[:, :4].astype(np.float64),
        boxes[:, 4].astype(np.float64),
        boxes[:, 5].astype(np.int64),
    )


def found_boxes(rows: NDArray[np.float32]) -> Boxes:
    """`FOUND` as what average precision is taken of."""
    found = found_of(rows)
    return Boxes(found.pictures, found.labels, _xywh(found.boxes), scores=found.scores)


def truth_of(targets: Targets) -> Boxes:
    """A split's targets as what average precision is taken against."""
    arrays = targets.arrays()
    counts = np.diff(arrays["starts"])
    return Boxes(
        np.repeat(np.arange(len(counts)), counts),
        arrays["labels"].astype(np.int64),
        _xywh(arrays["boxes"].astype(np.float64)),
        crowd=arrays["crowd"].astype(bool),
    )


def _xywh(corners: NDArray[Any]) -> NDArray[np.float64]:
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def kept_outputs(outputs: Arrays, strides: Sequence[int]) -> NDArray[np.float32]:
    """`FOUND` of outputs that are maps still, or were decoded already."""
    return outputs[FOUND] if FOUND in outputs else found_in(outputs, strides)
