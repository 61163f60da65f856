"""What detectors share: corners, overlaps, class-aware suppression, and boxes as recognitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..preprocess import Placement
from ..recognitions import Recognitions

__all__ = ["corners", "detections", "matched", "overlaps", "suppress"]

Boxes = NDArray[np.float32]
_BLOCK = 256


def corners(centers: NDArray[Any]) -> Boxes:
    """Boxes (N, 4) from center x, center y, width, height to x1, y1, x2, y2."""
    half = centers[:, 2:4] / 2
    return np.concatenate([centers[:, :2] - half, centers[:, :2] + half], axis=1).astype(np.float32, copy=False)


def overlaps(ones: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float32]:
    """Intersection over union (A, B) of boxes (A, 4) with boxes (B, 4), all as corners; 0 where neither has an area."""
    width, height = (
        np.minimum(ones[:, None, far], others[None, :, far]) - np.maximum(ones[:, None, near], others[None, :, near])
        for near, far in ((0, 2), (1, 3))
    )
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = _areas(ones)[:, None] + _areas(others)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def _areas(boxes: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0))


def suppress(boxes: Boxes, scores: NDArray[Any], ids: NDArray[Any], iou: float, most: int) -> NDArray[np.intp]:
    """Rows to keep, best first: a box yields to a better one of its own class that overlaps it by more than `iou`.

    Works on blocks of candidates, so that the matrices stay small and it ends as soon as enough are kept.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, kinds = boxes[order], ids[order]
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block, kind = ranked[start : start + _BLOCK], kinds[start : start + _BLOCK]
        before = (overlaps(ranked[kept], block) > iou) & (kinds[kept][:, None] == kind)
        inside = (overlaps(block, block) > iou) & (kind[:, None] == kind)
        gone = before.any(axis=0)
        for row in range(len(block)):
            if not gone[row]:
                kept.append(start + row)
                gone |= inside[row]
                if len(kept) == most:
                    return order[kept]
    return order[kept]


def detections(
    boxes: NDArray[Any],
    scores: NDArray[Any],
    ids: NDArray[Any],
    network: Network,
    placement: Placement,
    *,
    suppressed: bool = False,
    points: NDArray[np.float32] | None = None,
) -> Recognitions:
    """Corner boxes (N, 4) in input pixels as recognitions: threshold, wanted classes, suppression, frame pixels.

    `points` are keypoints (N, K, 3) x, y, score, in input pixels too.
    """
    settings = network.decode
    rows = np.flatnonzero(scores >= max(settings.threshold, 1e-6))
    wanted = settings.options.get("classes")
    if wanted is not None:
        rows = rows[np.isin(ids[rows], np.asarray(wanted, np.int64))]
    rows = rows[np.isfinite(boxes[rows]).all(axis=1)]
    corner_boxes = np.asarray(boxes[rows], np.float32)
    if suppressed:
        kept = np.argsort(-scores[rows], kind="stable")[: settings.max_det]
    else:
        kept = suppress(corner_boxes, scores[rows], ids[rows], settings.iou, settings.max_det)
    picked = rows[kept]
    return Recognitions(
        network.labels,
        ids[picked].astype(np.int32),
        scores[picked].astype(np.float32),
        boxes=placement.to_frame(corner_boxes[kept]),
        keypoints=None if points is None else _points_in_frame(points[picked], placement),
        task=network.task,
    )


def _points_in_frame(points: NDArray[np.float32], placement: Placement) -> NDArray[np.float32]:
    flat = points[..., :2].reshape(-1, 2)
    places = placement.to_frame(np.concatenate([flat, flat], axis=1))[:, :2]
    return np.concatenate([places.reshape(*points.shape[:2], 2), points[..., 2:]], axis=2)


def matched(wanted: Sequence[Recognitions], found: Sequence[Recognitions], iou: float = 0.5) -> float:
    """The share of boxes (F1) that agree between two decodings of the same frames: same class, overlapping by `iou`."""
    hits = total = 0
    for ours, theirs in zip(wanted, found, strict=True):
        total += len(ours) + len(theirs)
        mine, other = _as_corners(ours), _as_corners(theirs)
        free = np.ones(len(theirs), bool)
        for row in range(len(ours)):
            share = np.where(free & (theirs.ids == ours.ids[row]), overlaps(mine[row : row + 1], other)[0], 0)
            if len(share) and share.max() >= iou:
                free[share.argmax()] = False
                hits += 2
    return hits / total if total else 1.0


def _as_corners(seen: Recognitions) -> Boxes:
    if seen.boxes is None:
        return np.zeros((len(seen), 4), np.float32)
    out = seen.boxes.copy()
    out[:, 2:] += out[:, :2]
    return out
