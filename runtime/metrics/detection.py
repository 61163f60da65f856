"""Detection metrics as COCO defines them: mAP50, mAP50-95 and recall, equal to pycocotools'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..decode.boxes import corners_of_xywh, overlaps

__all__ = ["AREAS", "Boxes", "DetectionScores", "average_precision"]

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0, 1e10), "small": (0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MAX_DET = 100


@dataclass(frozen=True)
class Boxes:
    """Boxes of many images: the truth (with crowds and areas), or what was found (with scores)."""

    images: NDArray[np.int64]  # (N,) which image
    labels: NDArray[np.int64]  # (N,) which class
    boxes: NDArray[np.float64]  # (N, 4) x, y, w, h in pixels
    scores: NDArray[np.float64] | None = None  # (N,)
    crowd: NDArray[np.bool_] | None = None  # (N,) a region of many: what lies in it counts neither way
    areas: NDArray[np.float64] | None = None  # (N,) the object's, where it is known better than w × h

    def area(self) -> NDArray[np.float64]:
        """Each object's area in pixels."""
        return self.areas if self.areas is not None else self.boxes[:, 2] * self.boxes[:, 3]


@dataclass(frozen=True)
class DetectionScores:
    """Average precision and recall; -1 where there is nothing to measure."""

    precision: NDArray[np.float64]  # (areas, classes, thresholds of IoU), mean over the recall levels
    recall: NDArray[np.float64]  # (areas, classes, thresholds of IoU), the highest reached

    def mean(self, area: str = "all", iou: float | None = None) -> float:
        """The mean over classes, of one IoU threshold or of all ten."""
        return _mean(self.precision[list(AREAS).index(area)], iou)

    def mean_recall(self, area: str = "all") -> float:
        """The mean over classes and thresholds of the highest recall, 100 boxes an image."""
        return _mean(self.recall[list(AREAS).index(area)], None)

    def of_class(self, label: int, iou: float | None = None) -> float:
        """The average precision of one class."""
        return _mean(self.precision[0, label : label + 1], iou)


@dataclass(frozen=True)
class _Matched:
    """The boxes found in one image for one class, best first, against the truth of one range of areas."""

    scores: NDArray[np.float64]  # (D,)
    hit: NDArray[np.bool_]  # (T, D)
    ignored: NDArray[np.bool_]  # (T, D)
    wanted: int  # boxes of the truth that count


def average_precision(truth: Boxes, found: Boxes, classes: int, areas: Sequence[str] = tuple(AREAS)) -> DetectionScores:
    """Precision and recall of every class, range of areas and threshold of IoU; of areas not asked for none."""
    precision = np.full((len(AREAS), classes, len(IOUS)), -1.0)
    recall = precision.copy()
    true_area = truth.area()
    for label in range(classes):
        there = _by_image(truth, label)
        seen = _by_image(found, label)
        none = np.empty(0, np.intp)
        pairs = [(there.get(image, none), seen.get(image, none)) for image in sorted(there.keys() | seen.keys())]
        for a, (area, limits) in enumerate(AREAS.items()):
            if area not in areas:
                continue
            matched = [_match(truth, true_area, t, found, f, limits) for t, f in pairs]
            if sum(m.wanted for m in matched):
                precision[a, label], recall[a, label] = _accumulate(matched)
    return DetectionScores(precision, recall)


def _by_image(boxes: Boxes, label: int) -> dict[int, NDArray[np.intp]]:
    rows = np.flatnonzero(boxes.labels == label)
    rows = rows[np.argsort(boxes.images[rows], kind="stable")]
    images, starts = np.unique(boxes.images[rows], return_index=True)
    return dict(zip(images.tolist(), np.split(rows, starts[1:]), strict=True)) if len(rows) else {}


def _match(
    truth: Boxes,
    true_area: NDArray[np.float64],
    t: NDArray[np.intp],
    found: Boxes,
    f: NDArray[np.intp],
    limits: tuple[float, float],
) -> _Matched:
    """Give every found box, best first, the free true box it overlaps most; those that count come first."""
    assert found.scores is not None
    crowd = truth.crowd[t] if truth.crowd is not None else np.zeros(len(t), bool)
    passed = crowd | (true_area[t] < limits[0]) | (true_area[t] > limits[1])
    order = np.argsort(passed, kind="stable")
    t, crowd, passed = t[order], crowd[order], passed[order]
    f = f[np.argsort(-found.scores[f], kind="stable")][:MAX_DET]
    hit = np.zeros((len(IOUS), len(f)), bool)
    ignored = np.zeros((len(IOUS), len(f)), bool)
    if len(t) and len(f):
        ours, theirs = found.boxes[f], truth.boxes[t]
        areas = ours[:, 2:].prod(axis=1), theirs[:, 2:].prod(axis=1)
        iou = overlaps(corners_of_xywh(ours), corners_of_xywh(theirs), areas=areas, crowd=crowd)
        taken = np.zeros((len(IOUS), len(t)), bool)
        least = np.minimum(IOUS, 1 - 1e-10)[:, None]
        levels = np.arange(len(IOUS))
        near = iou >= least[0]  # who could be whose
        only = near.argmax(axis=1)
        plain = (near.sum(axis=1) == 1) & (near.sum(axis=0) == 1)[only] & ~crowd[only]  # each other's alone: no contest
        hit[:, plain] = iou[plain, only[plain]] >= least
        ignored[:, plain] = hit[:, plain] & passed[only[plain]]
        for d in np.flatnonzero(near.any(axis=1) & ~plain).tolist():
            free = (iou[d] >= least) & (~taken | crowd)  # (T, G)
            counts = free & ~passed
            pick = np.where(counts.any(axis=1, keepdims=True), counts, free)
            best = len(t) - 1 - np.argmax(np.where(pick, iou[d], -1.0)[:, ::-1], axis=1)  # the last of equals
            some = pick.any(axis=1)
            hit[:, d], ignored[:, d] = some, some & passed[best]
            taken[levels[some], best[some]] = True
    area = found.boxes[f, 2] * found.boxes[f, 3]
    ignored |= ~hit & ((area < limits[0]) | (area > limits[1]))
    return _Matched(found.scores[f], hit, ignored, int((~passed).sum()))


def _accumulate(matched: list[_Matched]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average precision and highest recall at every threshold of IoU."""
    scores = np.concatenate([m.scores for m in matched])
    order = np.argsort(-scores, kind="stable")
    hit = np.concatenate([m.hit for m in matched], axis=1)[:, order]
    ignored = np.concatenate([m.ignored for m in matched], axis=1)[:, order]
    wanted = sum(m.wanted for m in matched)
    right = np.cumsum(hit & ~ignored, axis=1, dtype=np.float64)
    wrong = np.cumsum(~hit & ~ignored, axis=1, dtype=np.float64)
    means, highest = np.zeros(len(IOUS)), np.zeros(len(IOUS))
    if scores.size:
        recall = right / wanted
        precision = right / (right + wrong + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for level in range(len(IOUS)):
            at = np.searchsorted(recall[level], RECALLS, side="left")
            reached = at < scores.size
            means[level] = precision[level, at[reached]].sum() / len(RECALLS)
        highest = recall[:, -1]
    return means, highest


def _mean(values: NDArray[np.float64], iou: float | None) -> float:
    picked = values if iou is None else values[:, [int(np.argmin(np.abs(iou - IOUS)))]]
    measured = picked[picked > -1]
    return float(measured.mean()) if measured.size else -1.0
