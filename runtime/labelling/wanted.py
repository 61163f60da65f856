"""Of what a model proposes, that which can be in the data set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..decode.boxes import corners_of_xywh, suppress

__all__ = ["wanted"]

_IOU = 0.5  # of boxes that are one thing, which a model took for two


def wanted(rows: Sequence[dict[str, Any]], classes: Collection[str], stand_in: str = "") -> list[dict[str, Any]]:
    """The rows of the data set's classes, best first; with a `stand_in`, others' boxes as that class, a thing once."""
    if not stand_in:
        return [row for row in rows if row["label"] in classes]
    meant = [row if row["label"] in classes else {**row, "label": stand_in} for row in rows if row["box"]]
    if not meant:
        return []
    boxes = corners_of_xywh(np.array([row["box"] for row in meant], np.float32))
    scores, alike = np.array([row["score"] for row in meant]), np.zeros(len(meant), np.intp)
    kept = suppress(boxes, scores, alike, _IOU, len(meant))
    return [meant[i] for i in kept]
