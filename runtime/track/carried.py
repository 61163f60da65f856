"""What was found inside a thing, at the places where it is once the thing has moved or grown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..recognitions import CORNERS, Recognitions

__all__ = ["carried"]


def carried(seen: Recognitions, before: NDArray[np.float32], box: NDArray[np.float32]) -> Recognitions:
    """The rows, found in a thing at `before`, moved and grown along with it to `box`, each x, y, w, h."""
    scale = box[2:] / np.maximum(before[2:], 1e-6)

    def places(points: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(box[:2] + (points - before[:2]) * scale, np.float32)

    columns: dict[str, Any] = {}
    if not np.isnan(seen.places).all():
        columns["boxes"] = np.concatenate([places(seen.places[:, :2]), seen.places[:, 2:] * scale], axis=1)
    if (points := seen.keypoints) is not None:
        columns["keypoints"] = np.concatenate([places(points[..., :2]), points[..., 2:]], axis=-1)
    if CORNERS in seen.extra:
        columns["extra"] = {**seen.extra, CORNERS: places(seen.extra[CORNERS])}
    return replace(seen, **columns) if columns else seen
