"""Boxes that were drawn twice: the same thing again, which a detector finds but once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..datasets.boxset import ImageBoxes
from ..decode.boxes import corners_of_xywh, overlaps

__all__ = ["drawn_twice"]

_SAME = 0.98  # overlap of two boxes of one class that are one box drawn twice


def drawn_twice(known: ImageBoxes) -> NDArray[np.bool_]:
    """(N,) boxes, in pixels, that are an earlier one of their class again."""
    twice = np.zeros(len(known), bool)
    corners = corners_of_xywh(known.boxes)
    order = np.lexsort((corners[:, 1], corners[:, 0], known.labels))
    for back in (1, 2, 3):  # copies lie beside each other once the boxes are sorted
        ones, others = order[back:], order[:-back]
        if not len(ones):
            break
        near = np.abs(corners[ones] - corners[others]).max(axis=1) <= 0.05 * known.boxes[ones, 2:].max(axis=1)
        for one, other in zip(ones[near], others[near], strict=True):
            same = known.labels[one] == known.labels[other] and not twice[other]
            if same and overlaps(corners[one : one + 1], corners[other : other + 1])[0, 0] > _SAME:
                twice[one] = True
    return twice
