"""Faces with their keypoints, as the families that find them answer: eyes, nose and the corners of the mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxRules

__all__ = ["faces_at"]

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
