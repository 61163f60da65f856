"""What YuNet's generations share: faces with five keypoints, and how a picture is shown to the whole family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxRules, corners
from .reading import Reading

__all__ = ["faces_at", "yunet_reading"]

Floats = NDArray[np.float32]


def faces_at(
    rules: BoxRules,
    scores: Floats,
    centers: Floats,
    extents: Floats,
    spots: Floats,
    *,
    placement: Placement,
    threshold: float | None,
) -> Recognitions:
    """Faces from scores (N,), middles and sides (N, 2) and keypoints (N, 5, 2), all of which are there."""
    seen = np.ones((*spots.shape[:2], 1), np.float32)
    return rules.answer(
        corners(np.concatenate([centers, extents], axis=1)),
        scores,
        np.zeros(len(scores), np.int64),
        placement,
        threshold,
        points=np.concatenate([spots, seen], axis=2),
    )


def yunet_reading(
    decode: str,
    said: str,
    outputs: Sequence[str],
    labels: tuple[str, ...],
    *,
    picked: Sequence[str] = (),
    asked: bool,
) -> Reading:
    """How a file is read: pixels as they are, in OpenCV's order, with bars below and to the right."""
    return Reading(
        Decode(decode, threshold=0.9, options={"iou": 0.3}),
        outputs=tuple(outputs),
        picked=tuple(picked),
        classes=1,
        color="bgr",
        resize="letterbox",
        filter="linear",
        pad=0,
        anchor="topleft",
        mean=(0.0,),
        std=(1.0,),
        labels=labels or ("face",),
        notes=(f"read as {said} {'as asked' if asked else 'from the names of its outputs'}",),
    )
