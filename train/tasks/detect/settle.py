"""The thresholds of a detector: for each class the score at which finding and not erring are best together (F1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.boxes import corners_of_xywh, overlaps
from edgelens.runtime.decode.voting import VOTE
from edgelens.runtime.metrics.detection import Boxes

from ...data.targets import Targets
from ...task import Settled
from .answers import IOU, MOST, found_boxes, truth_of

__all__ = ["Curve", "best_point", "curves_of", "hits_of", "said_of_thresholds", "settle_boxes", "thresholds_of"]

_OVERLAP = 0.5  # at which a box is found
_FEW = 5  # boxes of a class under which its threshold is that of all classes
_USUAL = 0.3
_CELLS = 10  # that answer for a thing before suppression, as many as the decoder has for `MOST` boxes
_SAID = 8  # thresholds that are named


@dataclass(frozen=True)
class Curve:
    """One class's precision and recall as the threshold falls: a point a box found."""

    scores: NDArray[np.float64]  # falling
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    wanted: int  # boxes of the truth

    @property
    def f1(self) -> NDArray[np.float64]:
        """At each point."""
        return 2 * self.precision * self.recall / np.maximum(self.precision + self.recall, 1e-9)


def settle_boxes(
    rows: NDArray[np.float32], targets: Targets, classes: Sequence[str], strides: Sequence[int]
) -> Settled:
    """Decode settings with each class's own threshold, fitted on what was found in a split."""
    truth = truth_of(targets)
    own, common = thresholds_of(curves_of(found_boxes(rows), truth, len(classes)))
    named = {name: common if value is None else value for name, value in zip(classes, own, strict=True)}
    options = {"iou": IOU, "vote": VOTE, "finest": min(strides), **_room(truth)}
    decode = Decode("lens-det", threshold=common, thresholds=named, options=options)
    return Settled(decode, said_of_thresholds(dict(zip(classes, own, strict=True)), common))


def _room(truth: Boxes) -> dict[str, int]:
    """How many boxes a frame may have: twice as many as the fullest picture of the split shows, if that is many."""
    fullest = int(np.bincount(truth.images, minlength=1).max())
    if 2 * fullest <= MOST:
        return {"max_det": MOST}
    return {"max_det": 2 * fullest, "candidates": _CELLS * 2 * fullest}


def said_of_thresholds(own: dict[str, float | None], common: float) -> str:
    """What was settled, in a line: the first few thresholds of classes' own, and how many others have which."""
    told = [f"{name} {value:.2f}" for name, value in own.items() if value is not None]
    others = sum(value is None for value in own.values())
    if len(told) > _SAID:
        told[_SAID:] = [f"{len(told) - _SAID} more"]
    if others:
        told.append(f"{common:.2f} for {others} with fewer than {_FEW} boxes to tell it by, or none found")
    return f"thresholds of best F1: {', '.join(told)}"


def thresholds_of(curves: Sequence[Curve]) -> tuple[list[float | None], float]:
    """Each class's threshold, None where too few boxes say one, and the one of all the others."""
    own = [best_point(curve) if curve.wanted >= _FEW else None for curve in curves]
    known = [value for value in own if value is not None]
    return own, round(float(np.median(known)), 3) if known else _USUAL


def best_point(curve: Curve) -> float | None:
    """The threshold of the best F1, half-way to the next box's score that is left out; None where nothing was found."""
    if not len(curve.scores) or not curve.f1.max():
        return None
    at = int(curve.f1.argmax())
    below = curve.scores[at + 1] if at + 1 < len(curve.scores) else curve.scores[at] * 0.9
    return round(float(np.clip((curve.scores[at] + below) / 2, 0.01, 0.95)), 4)


def curves_of(found: Boxes, truth: Boxes, classes: int) -> list[Curve]:
    """Every class's curve at an overlap of a half."""
    hit, counts = hits_of(found, truth)
    assert found.scores is not None
    curves = []
    for label in range(classes):
        rows = np.flatnonzero((found.labels == label) & counts)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
        right = np.cumsum(hit[rows] >= 0)
        wanted = int(((truth.labels == label) & ~_crowd(truth)).sum())
        precision = right / np.arange(1, len(rows) + 1)
        curves.append(Curve(found.scores[rows], precision, right / max(wanted, 1), wanted))
    return curves


def hits_of(found: Boxes, truth: Boxes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Which box of the truth each found box is (-1: none), the surest first, and whether it counts at all.

    What lies in a crowd and is no box of its own counts neither way.
    """
    assert found.scores is not None
    hit, counts = np.full(len(found.labels), -1, np.intp), np.ones(len(found.labels), bool)
    crowd = _crowd(truth)
    mine, theirs = corners_of_xywh(found.boxes), corners_of_xywh(truth.boxes)
    taken = np.zeros(len(truth.labels), bool)
    kinds = found.images * (1 + max(int(found.labels.max(initial=0)), int(truth.labels.max(initial=0)))) + found.labels
    wanted = truth.images * (1 + max(int(found.labels.max(initial=0)), int(truth.labels.max(initial=0)))) + truth.labels
    there = {int(kind): np.flatnonzero(wanted == kind) for kind in np.unique(kinds)}
    for row in np.argsort(-found.scores, kind="stable"):
        near = there[int(kinds[row])]
        if not len(near):
            continue
        shared = overlaps(mine[row : row + 1], theirs[near], crowd=crowd[near])[0]
        free = np.where(taken[near] & ~crowd[near], 0.0, shared)
        real = np.where(crowd[near], 0.0, free)
        best = int((real if real.max() >= _OVERLAP else free).argmax())
        if free[best] < _OVERLAP:
            continue
        if crowd[near[best]]:
            counts[row] = False
        else:
            hit[row], taken[near[best]] = near[best], True
    return hit, counts


def _crowd(truth: Boxes) -> NDArray[np.bool_]:
    return np.zeros(len(truth.labels), bool) if truth.crowd is None else truth.crowd
