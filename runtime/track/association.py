"""How well boxes fit the things that are followed: by overlap, by the way they would have gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..decode.boxes import overlaps
from .assignment import Pairs, assign
from .covered import within

__all__ = ["Candidates", "Fit", "coming_out", "fitting"]

Array = NDArray[np.float64]
_UNLIKELY = -1.0


@dataclass(frozen=True)
class Candidates:
    """The boxes of a frame that may be what is followed."""

    boxes: Array  # (D, 4) corners
    labels: NDArray[np.int32]  # (D,)
    scores: Array  # (D,)

    def pick(self, rows: NDArray[Any]) -> Candidates:
        """Some of them."""
        return Candidates(self.boxes[rows], self.labels[rows], self.scores[rows])

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Fit:
    """What is known of things, one a row, when boxes are held against them."""

    boxes: Array  # (T, 4) corners of where each is taken to be
    labels: NDArray[np.int32]  # (T,)
    slack: Array | None = None  # (T, 2) pixels by which its place is in doubt
    came_from: Array | None = None  # (T, 2) the centre it was last seen at
    heading: Array | None = None  # (T, 2) of length 1, or 0

    def pick(self, rows: NDArray[np.intp]) -> Fit:
        """Some of them."""
        return Fit(
            self.boxes[rows],
            self.labels[rows],
            None if self.slack is None else self.slack[rows],
            None if self.came_from is None else self.came_from[rows],
            None if self.heading is None else self.heading[rows],
        )


def fitting(things: Fit, found: Candidates, least: float | Array, *, heading: float = 0.0) -> Pairs:
    """The things and boxes that belong together: those of one label that overlap by `least` at least.

    `heading` weighs how straight a thing would have gone.
    """
    if not len(things.boxes) or not len(found):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    same = things.labels[:, None] == found.labels[None]
    overlap = _overlaps(things.boxes, found.boxes, things.slack)
    alike = overlap * (0.5 + 0.5 * found.scores)  # of two that overlap alike the surer one
    gain = np.where(same & (overlap > least), alike - np.minimum(least, 1) * 0.5, _UNLIKELY)
    allowed = gain > 0
    if heading and things.heading is not None and things.came_from is not None:
        gain += heading * _straight(things.came_from, things.heading, found.boxes)
    return assign(np.where(allowed, np.maximum(gain, 1e-6), _UNLIKELY))


def coming_out(things: Fit, found: Candidates, least: float) -> Pairs:
    """The hidden things and boxes that belong together: a box that lies where a thing of its label is taken to be."""
    if not len(things.boxes) or not len(found):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    grown = things.boxes if things.slack is None else things.boxes + np.concatenate([-things.slack, things.slack], 1)
    share = within(grown, found.boxes)
    same = things.labels[:, None] == found.labels[None]
    return assign(np.where(same & (share >= least), share + overlaps(things.boxes, found.boxes), _UNLIKELY))


def _overlaps(ones: Array, others: Array, slack: Array | None) -> Array:
    """Intersection over union (T, D), each thing and what is held against it grown by the thing's slack."""
    if slack is None:
        return overlaps(ones, others)
    shared = mine = theirs = np.ones((1, 1))
    for near, far in ((0, 2), (1, 3)):  # an axis at a time: a product over an axis of two costs more than all of this
        more = slack[:, near, None]
        low = np.maximum(ones[:, near, None], others[None, :, near]) - more
        high = np.minimum(ones[:, far, None], others[None, :, far]) + more
        shared = shared * np.maximum(high - low, 0)
        mine = mine * (ones[:, far, None] - ones[:, near, None] + 2 * more)
        theirs = theirs * (others[None, :, far] - others[None, :, near] + 2 * more)
    return np.asarray(shared / np.maximum(mine + theirs - shared, 1e-9))


def _straight(came_from: Array, heading: Array, boxes: Array) -> Array:
    """(T, D) how straight a thing would have gone: 1 straight on, -1 back, 0 where that is not known."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    x, y = (middle[None, :, axis] - came_from[:, axis, None] for axis in (0, 1))
    along = x * heading[:, 0, None] + y * heading[:, 1, None]
    return np.asarray(along / np.maximum(np.sqrt(x * x + y * y), 1e-9))
