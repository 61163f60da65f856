"""Faces with their keypoints, as the families that find them answer: eyes, nose and the corners of the mouth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxRules

__all__ = ["faces_at", "rows_of"]

Floats = NDArray[np.float32]


def faces_at(
    rules: BoxRules,
    scores: Floats,
    boxes: Floats,
    spots: Floats | None,
    *,
    placement: Placement,
    threshold: float | None,
) -> Recognitions:
    """Faces from scores (N,), corners (N, 4) and keypoints (N, K, 2), all of which are there, in input pixels."""
    points = None
    if spots is not None:
        points = np.concatenate([spots, np.ones((*spots.shape[:2], 1), np.float32)], axis=2)
    return rules.answer(boxes, scores, np.zeros(len(scores), np.int64), placement, threshold, points=points)


def rows_of(outputs: Mapping[str, NDArray[Any]], name: str, wide: int) -> Floats:
    """One output's numbers, so many a row, whatever axes there are before."""
    numbers = np.asarray(outputs[name], np.float32)
    if numbers.size % wide:
        raise ModelError(f"the network's output for {name} has the shape {numbers.shape}, which is no rows of {wide}")
    return numbers.reshape(-1, wide)
