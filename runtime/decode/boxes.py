"""What detectors share: corners, overlaps, class-aware suppression, and boxes as recognitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions
from .protocol import DecodeOptions, counts, number, option, whole

__all__ = [
    "BoxOptions",
    "BoxRules",
    "Overlap",
    "class_numbers",
    "corners",
    "corners_of_xywh",
    "how_many",
    "matched",
    "overlaps",
    "overlaps_of_pairs",
    "points_in_frame",
    "suppress",
]

Boxes = NDArray[np.float32]
Overlap = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]  # pairs of boxes (P, ·) and (P, ·) → (P,), 0 to 1
_BLOCK = 256
_NOTHING = 1e-6  # the least that counts as a score
_MOST_ID = 2**31 - 1
_MOST_SCORE = 1.5  # what 8 bits make of a 1 may lie a little above it


def corners(centers: NDArray[Any]) -> Boxes:
    """Boxes (N, 4) from center x, center y, width, height to x1, y1, x2, y2."""
    half = centers[:, 2:4] / 2
    return np.concatenate([centers[:, :2] - half, centers[:, :2] + half], axis=1).astype(np.float32, copy=False)


def corners_of_xywh(boxes: NDArray[Any]) -> NDArray[Any]:
    """Boxes (N, 4) x, y, w, h as corners, in their own precision."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def class_numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    """Classes that a network gives as numbers, most often as floats; -1 for what is none."""
    numbers = np.nan_to_num(np.asarray(values, np.float64), nan=-1)
    return np.asarray(np.rint(np.clip(numbers, -1, _MOST_ID)), np.int64)


def how_many(count: NDArray[Any], most: int) -> int:
    """The count that a network gives of its rows, of which there are so many; none where it is no number."""
    return int(np.clip(np.nan_to_num(np.float64(count.reshape(-1)[0])), 0, most))


def overlaps(
    ones: NDArray[Any],
    others: NDArray[Any],
    *,
    areas: tuple[NDArray[Any], NDArray[Any]] | None = None,
    crowd: NDArray[np.bool_] | None = None,
) -> NDArray[Any]:
    """Intersection over union (A, B) of boxes (A, 4) with boxes (B, 4), all as corners; 0 where neither has an area.

    `areas` where they are known more exactly than from the corners; over the first box alone where the second is a
    crowd.
    """
    width, height = (
        np.minimum(ones[:, None, far], others[None, :, far]) - np.maximum(ones[:, None, near], others[None, :, near])
        for near, far in ((0, 2), (1, 3))
    )
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    mine, theirs = areas or (_areas(ones), _areas(others))
    union = mine[:, None] + theirs[None] - shared
    if crowd is not None:
        union = np.where(crowd[None], mine[:, None], union)
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _areas(boxes: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0))


def overlaps_of_pairs(ones: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Intersection over union (P,) of boxes with the others' of the same rows, (P, 4) each as corners."""
    shared = np.maximum(np.minimum(ones[:, 2:], others[:, 2:]) - np.maximum(ones[:, :2], others[:, :2]), 0).prod(axis=1)
    union = _areas(ones) + _areas(others) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def suppress(
    boxes: Boxes,
    scores: NDArray[Any],
    ids: NDArray[Any],
    iou: float,
    most: int,
    *,
    overlap: Overlap = overlaps_of_pairs,
    lasting: bool = False,
) -> NDArray[np.intp]:
    """Rows to keep, best first: a box yields to a better one of its own class that overlaps it by more than `iou`.

    A box that has yielded makes no other yield, unless `lasting`: then of a chain only the best is left. Works on
    blocks of candidates and on pairs of one class alone, so that it stays small and ends as soon as enough are kept.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, kinds = boxes[order], ids[order]
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block, kind = ranked[start : start + _BLOCK], kinds[start : start + _BLOCK]
        before = np.arange(start) if lasting else np.array(kept, np.intp)
        better, worse = np.nonzero(kinds[before][:, None] == kind)
        gone = np.zeros(len(block), bool)
        gone[worse[overlap(ranked[before[better]], block[worse]) > iou]] = True
        better, worse = np.nonzero(np.triu(kind[:, None] == kind, 1))
        over = overlap(block[better], block[worse]) > iou
        inside = np.zeros((len(block), len(block)), bool)
        inside[better[over], worse[over]] = True
        if lasting:
            gone |= inside.any(axis=0)
        for row in range(len(block)):
            if not gone[row]:
                kept.append(start + row)
                gone |= inside[row]
                if len(kept) == most:
                    return order[kept]
    return order[kept]


@dataclass(frozen=True)
class BoxOptions(DecodeOptions):
    """What all detectors can be asked; a family's own options stand beside these in its file."""

    iou: float = option(0.45, number(0, 1))  # boxes of one class that overlap more are one
    max_det: int = option(100, whole(1, 100_000))  # at most so many a frame
    classes: tuple[int, ...] | None = option(None, counts)  # only these
    tile: int = option(1, whole(1, 16))  # tiles along a frame's longer side that are looked at beside the whole


@dataclass(frozen=True)
class BoxRules:
    """What makes a network's candidates its answer: thresholds, wanted classes, suppression, the way into the frame."""

    network: Network
    options: BoxOptions
    threshold: float
    own: NDArray[np.float32] | None = None  # (C,) each label's threshold, where one has its own

    @classmethod
    def of(cls, network: Network, options: BoxOptions) -> BoxRules:
        """The rules of a network's decode settings."""
        decode = network.decode
        own = [decode.least(label) for label in network.labels]
        return cls(network, options, decode.threshold, np.array(own, np.float32) if decode.thresholds else None)

    def least(self, asked: float | None) -> float:
        """The threshold under which no row of any class can count; never 0, which is what empty rows score."""
        held = self.threshold if asked is None else asked
        if asked is None and self.own is not None and len(self.own):
            held = min(held, float(self.own.min()))
        return max(held, _NOTHING)

    def answer(
        self,
        boxes: NDArray[Any],
        scores: NDArray[Any],
        ids: NDArray[Any],
        placement: Placement,
        asked: float | None = None,
        *,
        suppressed: bool = False,
        points: NDArray[np.float32] | None = None,
    ) -> Recognitions:
        """Corner boxes (N, 4) in input pixels as recognitions in pixels of the frame.

        `points` are keypoints (N, K, 3) x, y, score, in input pixels too; `asked` is a threshold in place of the
        model's own.
        """
        kept = self.kept(boxes, scores, ids, asked, overlap=None if suppressed else overlaps_of_pairs)
        return self.seen(
            placement.to_frame(boxes[kept]),
            scores[kept],
            ids[kept],
            keypoints=None if points is None else points_in_frame(points[kept], placement),
        )

    def kept(
        self,
        boxes: NDArray[Any],
        scores: NDArray[Any],
        ids: NDArray[Any],
        asked: float | None = None,
        *,
        overlap: Overlap | None = overlaps_of_pairs,
        lasting: bool = False,
    ) -> NDArray[np.intp]:
        """The candidates that count, best first; without an `overlap` none yields to another (`suppress`)."""
        rows = np.flatnonzero(scores >= self._thresholds(ids, asked))
        if self.options.classes is not None:
            rows = rows[np.isin(ids[rows], self.options.classes)]
        rows = rows[np.isfinite(boxes[rows]).all(axis=1) & np.isfinite(scores[rows])]
        if scores[rows].max(initial=0) > _MOST_SCORE:
            raise ModelError(
                f"the model scores a box {scores[rows].max():.4g}, and a score is 1 at most: its graph ends before its"
                " sigmoid, gives per cents, or has something else there, which --decode may know"
            )
        rows = rows[(ids[rows] >= 0) & (ids[rows] <= _MOST_ID)]  # -1 fills up rows of a fixed number
        most = self.options.max_det
        if overlap is None:
            return np.asarray(rows[np.argsort(-scores[rows], kind="stable")[:most]])
        candidates = np.asarray(boxes[rows], np.float32)
        iou = self.options.iou
        best = suppress(candidates, scores[rows], ids[rows], iou, most, overlap=overlap, lasting=lasting)
        return np.asarray(rows[best])

    def seen(
        self,
        boxes: Boxes,
        scores: NDArray[Any],
        ids: NDArray[Any],
        *,
        keypoints: NDArray[np.float32] | None = None,
        masks: NDArray[np.uint8] | None = None,
        extra: Mapping[str, NDArray[Any]] | None = None,
    ) -> Recognitions:
        """Boxes (N, 4) x, y, w, h in pixels of the frame, best first, as recognitions of this network."""
        return Recognitions(
            self.network.labels,
            ids.astype(np.int32),
            scores.astype(np.float32),
            boxes=boxes,
            keypoints=keypoints,
            masks=masks,
            extra=extra or {},
            task=self.network.task,
        )

    def _thresholds(self, ids: NDArray[Any], asked: float | None) -> float | NDArray[np.float32]:
        """What each candidate must score."""
        if asked is not None or self.own is None or not len(self.own):
            return self.least(asked)
        held = np.where(ids < len(self.own), self.own[np.clip(ids, 0, len(self.own) - 1)], np.float32(self.threshold))
        return np.maximum(held, np.float32(_NOTHING))


def points_in_frame(points: NDArray[np.float32], placement: Placement) -> NDArray[np.float32]:
    """Points (N, K, 2 or 3) in input pixels, in pixels of the frame; what follows x and y stays."""
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
    return corners_of_xywh(seen.boxes)
