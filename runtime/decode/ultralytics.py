"""Ultralytics' heads: v5 rows with objectness, v8 and 11 columns without, and exports that end in their own NMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import corners, detections

__all__ = ["ultralytics"]

_SMALL = 2.0  # no set of boxes in pixels stays below this, no set in fractions of the picture exceeds it


def ultralytics(outputs: Mapping[str, NDArray[Any]], network: Network, placement: Placement) -> Recognitions:
    """Boxes from one output in the layout that the decode options name: v8, v5, nms or detr."""
    options = network.decode.options
    layout = options.get("layout")
    if layout not in _LAYOUTS:
        raise ModelError(f"ultralytics: no layout is called {layout!r}; there are {', '.join(_LAYOUTS)}")
    raw = np.asarray(outputs["predictions"][0], np.float32)
    rows, scores, ids, first_extra, largest = _LAYOUTS[layout](raw, network)
    points = _keypoints(rows[:, first_extra:], options.get("keypoints"))
    boxes = rows[:, :4]
    if options.get("normalized") == "always" or (options.get("normalized") == "from values" and largest <= _SMALL):
        size = np.array([network.pixels.width, network.pixels.height], np.float32)
        boxes = boxes * np.tile(size, 2)
        if points is not None:
            points[..., :2] *= size
    if layout != "nms":
        boxes = corners(boxes)
    finished = layout in ("nms", "detr")
    return detections(boxes, scores, ids, network, placement, suppressed=finished, points=points)


Picked = tuple[NDArray[np.float32], NDArray[Any], NDArray[Any], int, float]  # rows, scores, ids, first extra, largest


def _columns(raw: NDArray[np.float32], network: Network) -> Picked:
    """(4 + C + extra, N): centers and sizes, class probabilities; one column a cell."""
    classes = _class_count(network, len(raw) - 4)
    best = raw[4 : 4 + classes].max(axis=0, initial=0)
    found = np.flatnonzero(best >= network.decode.threshold)
    rows = np.ascontiguousarray(raw[:, found].T)
    return rows, best[found], rows[:, 4 : 4 + classes].argmax(axis=1), 4 + classes, _largest(raw[:4])


def _rows_with_objectness(raw: NDArray[np.float32], network: Network) -> Picked:
    """(N, 5 + C + extra): centers and sizes, objectness, class probabilities; one row an anchor."""
    classes = _class_count(network, raw.shape[1] - 5)
    rows = raw[raw[:, 4] >= network.decode.threshold]
    ids = rows[:, 5 : 5 + classes].argmax(axis=1)
    scores = rows[:, 4] * rows[np.arange(len(rows)), 5 + ids]
    return rows, scores, ids, 5 + classes, _largest(raw[:, :4])


def _queries(raw: NDArray[np.float32], network: Network) -> Picked:
    """(N, 4 + C): RT-DETR's queries, each an object or nothing; they need no suppression."""
    return _columns(raw.T, network)


def _finished(raw: NDArray[np.float32], network: Network) -> Picked:
    """(N, 6 + extra): corners, score, class; suppression has been done in the graph."""
    rows = raw[raw[:, 4] >= max(network.decode.threshold, 1e-6)]
    return rows, rows[:, 4], np.rint(rows[:, 5]).astype(np.int64), 6, _largest(rows[:, :4])


_LAYOUTS: dict[Any, Callable[[NDArray[np.float32], Network], Picked]] = {
    "v8": _columns,
    "v5": _rows_with_objectness,
    "nms": _finished,
    "detr": _queries,
}


def _class_count(network: Network, most: int) -> int:
    """How many classes there are; what follows them in a row are mask coefficients or keypoints."""
    said = network.decode.options.get("class_count")
    count = said if isinstance(said, int) else most
    if not 1 <= count <= most:
        raise ModelError(f"ultralytics: {count} classes do not fit an output with room for {most}")
    return count


def _largest(boxes: NDArray[np.float32]) -> float:
    return float(boxes.max(initial=0))


def _keypoints(extra: NDArray[np.float32], shape: Any) -> NDArray[np.float32] | None:
    """(N, K, 3) x, y, score; points without a score count as seen."""
    if not isinstance(shape, (list, tuple)) or len(shape) != 2 or shape[1] not in (2, 3):
        return None
    points = extra[:, : shape[0] * shape[1]].reshape(-1, shape[0], shape[1])
    if shape[1] == 2:
        points = np.concatenate([points, np.ones((*points.shape[:2], 1), np.float32)], axis=2)
    return points.copy()
