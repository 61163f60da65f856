"""Ultralytics' heads: v5 rows with objectness, v8 and 11 columns without, and exports that end in their own NMS.

What follows a thing's classes are its keypoints, its mixture of mask prototypes, or its angle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import CORNERS, Recognitions
from .boxes import BoxOptions, BoxRules, class_numbers, corners, overlaps_of_pairs, points_in_frame
from .protocol import Decoder, counts, flag, one_of, option, text, whole

__all__ = ["UltralyticsOptions", "ultralytics"]

_SMALL = 2.0  # no set of boxes in pixels stays below this, no set in fractions of the picture exceeds it


Picked = tuple[NDArray[np.float32], NDArray[Any], NDArray[Any], int, float]  # rows, scores, ids, first extra, largest


def _class_count(value: Any) -> int | None:
    return None if value is None else whole(1)(value)


def _keypoint_shape(value: Any) -> tuple[int, ...] | None:
    """How many points a thing has, and how many numbers a point: two, or three with its score."""
    shape = counts(value)
    if shape is not None and (len(shape) != 2 or shape[1] not in (2, 3)):
        raise ValueError
    return shape


@dataclass(frozen=True)
class UltralyticsOptions(BoxOptions):
    """How an Ultralytics head's output is read."""

    layout: str = option("", text)
    class_count: int | None = option(None, _class_count)
    keypoints: tuple[int, ...] | None = option(None, _keypoint_shape)
    normalized: str | None = option(None, one_of(None, "always", "from values"))  # boxes as fractions of the picture
    masks: str | None = option(None, one_of(None, "first", "last"))  # which axis of the prototypes counts them
    rotated: bool = option(False, flag)


def ultralytics(network: Network, options: UltralyticsOptions) -> Decoder:
    """Boxes from one output in the layout that the decode options name: v8, v5, nms, detr or detr-picked."""
    if options.layout not in _LAYOUTS:
        raise ModelError(f"ultralytics: no layout is called {options.layout!r}; there are {', '.join(_LAYOUTS)}")
    pick, finished = _LAYOUTS[options.layout], options.layout in ("nms", "detr", "detr-picked")
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height], np.float32)
    answer = _rotated if options.rotated else _upright

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        raw = np.asarray(outputs["predictions"][0], np.float32)
        prototypes = None if options.masks is None else _prototypes(outputs["prototypes"], options.masks)
        classes = options.class_count
        if classes is None and prototypes is not None:
            classes = _room(raw, options.layout) - len(prototypes)
        rows, scores, ids, first_extra, largest = pick(raw, classes, rules.least(threshold))
        fractions = options.normalized == "always" or (options.normalized == "from values" and largest <= _SMALL)
        unit = size if fractions else np.ones(2, np.float32)
        found = _Found(rows[:, :4] * np.tile(unit, 2), scores, ids, rows[:, first_extra:], unit, finished)
        return answer(rules, options, found, prototypes, placement, threshold)

    return decode


@dataclass(frozen=True)
class _Found:
    """Candidates that could count: boxes in input pixels as their layout has them, and what follows their classes."""

    boxes: NDArray[np.float32]
    scores: NDArray[Any]
    ids: NDArray[Any]
    extra: NDArray[np.float32]
    unit: NDArray[np.float32]  # input pixels to one of the network's, along x and y
    finished: bool  # the graph has suppressed already


def _upright(
    rules: BoxRules,
    options: UltralyticsOptions,
    found: _Found,
    prototypes: NDArray[Any] | None,
    placement: Placement,
    threshold: float | None,
) -> Recognitions:
    """Boxes along the picture's sides, with keypoints or masks where the network has them."""
    boxes = found.boxes if options.layout == "nms" else corners(found.boxes)
    overlap = None if found.finished else overlaps_of_pairs
    kept = rules.kept(boxes, found.scores, found.ids, threshold, overlap=overlap)
    places = placement.to_frame(boxes[kept])
    points = masks = None
    if prototypes is not None:
        from .prototypes import is_drawn, masks_in_boxes  # few networks draw masks

        pixels = rules.network.pixels
        mixture = found.extra[kept, : len(prototypes)]
        masks = masks_in_boxes(mixture, prototypes, places, placement, (pixels.height, pixels.width))
        # a box without any of its thing is none, as their own tools have it
        there = is_drawn(masks) & (places[:, 2:] > 0).all(axis=1)
        kept, places, masks = kept[there], places[there], masks[there]
    if options.keypoints is not None:
        points = _keypoints(found.extra[kept], options.keypoints)
        points[..., :2] *= found.unit
        points = points_in_frame(points, placement)
    return rules.seen(places, found.scores[kept], found.ids[kept], keypoints=points, masks=masks)


def _rotated(
    rules: BoxRules,
    options: UltralyticsOptions,  # noqa: ARG001
    found: _Found,
    prototypes: NDArray[Any] | None,  # noqa: ARG001
    placement: Placement,
    threshold: float | None,
) -> Recognitions:
    """Boxes at an angle: their four corners, and the upright box around what of them lies in the frame."""
    from .rotated import alike, corners_of_rotated

    boxes = np.concatenate([found.boxes, found.extra[:, :1]], axis=1)
    overlap = None if found.finished else alike
    kept = rules.kept(boxes, found.scores, found.ids, threshold, overlap=overlap, lasting=True)  # as their own tools do
    quads = corners_of_rotated(boxes[kept])
    around = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
    extra = {CORNERS: placement.points_to_frame(quads)}
    return rules.seen(placement.to_frame(around), found.scores[kept], found.ids[kept], extra=extra)


def _prototypes(output: NDArray[Any], axis: str) -> NDArray[Any]:
    """(K, H, W) of an output with a batch axis."""
    return np.asarray(output[0] if axis == "first" else output[0].transpose(2, 0, 1))


def _room(raw: NDArray[np.float32], layout: str) -> int:
    """How many numbers a candidate has behind its box and objectness."""
    return len(raw) - 4 if layout == "v8" else raw.shape[1] - 5


def _columns(raw: NDArray[np.float32], class_count: int | None, least: float) -> Picked:
    """(4 + C + extra, N): centers and sizes, class probabilities; one column a cell."""
    classes = _classes_in(class_count, len(raw) - 4)
    best = raw[4 : 4 + classes].max(axis=0, initial=0)
    found = np.flatnonzero(best >= least)
    rows = np.ascontiguousarray(raw[:, found].T)
    return rows, best[found], rows[:, 4 : 4 + classes].argmax(axis=1), 4 + classes, _largest(raw[:4])


def _rows_with_objectness(raw: NDArray[np.float32], class_count: int | None, least: float) -> Picked:
    """(N, 5 + C + extra): centers and sizes, objectness, class probabilities; one row an anchor."""
    classes = _classes_in(class_count, raw.shape[1] - 5)
    rows = raw[raw[:, 4] >= least]
    ids = rows[:, 5 : 5 + classes].argmax(axis=1)
    scores = rows[:, 4] * rows[np.arange(len(rows)), 5 + ids]
    return rows, scores, ids, 5 + classes, _largest(raw[:, :4])


def _queries(raw: NDArray[np.float32], class_count: int | None, least: float) -> Picked:
    """(N, 4 + C): RT-DETR's queries, each an object or nothing; they need no suppression."""
    return _columns(raw.T, class_count, least)


def _finished(raw: NDArray[np.float32], class_count: int | None, least: float) -> Picked:  # noqa: ARG001
    """(N, 6 + extra): corners, score, class; suppression has been done in the graph."""
    rows = raw[raw[:, 4] >= least]
    return rows, rows[:, 4], class_numbers(rows[:, 5]), 6, _largest(rows[:, :4])


def _picked_queries(raw: NDArray[np.float32], class_count: int | None, least: float) -> Picked:
    """(N, 6): centers and sizes, then score and class, or each of two classes' scores, which are no whole numbers."""
    if class_count in (None, 2) and (raw[:, 5] != np.rint(raw[:, 5])).any():
        return _queries(raw, class_count, least)
    return _finished(raw, class_count, least)


_LAYOUTS: dict[str, Callable[[NDArray[np.float32], int | None, float], Picked]] = {
    "v8": _columns,
    "v5": _rows_with_objectness,
    "nms": _finished,
    "detr": _queries,
    "detr-picked": _picked_queries,
}


def _classes_in(said: int | None, most: int) -> int:
    """How many classes there are; what follows them in a row are mask coefficients or keypoints."""
    count = most if said is None else said
    if not 1 <= count <= most:
        raise ModelError(f"ultralytics: {count} classes do not fit an output with room for {most}")
    return count


def _largest(boxes: NDArray[np.float32]) -> float:
    return float(boxes.max(initial=0))


def _keypoints(extra: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(N, K, 3) x, y, score; points without a score count as seen."""
    points = extra[:, : shape[0] * shape[1]].reshape(-1, shape[0], shape[1])
    if shape[1] == 2:
        points = np.concatenate([points, np.ones((*points.shape[:2], 1), np.float32)], axis=2)
    return points.copy()
