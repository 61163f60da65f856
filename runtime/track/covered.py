"""Boxes of things that something stands before: whose one edge moves on as expected while the other is held up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["uncovered", "within"]

Array = NDArray[np.float64]
SHRUNK = 0.9  # a side under this share of what it was is looked at
TRUE_EDGE = 0.25  # how far the edge that can be seen may be off, in sides
FORGOTTEN = 0.03  # a frame: what never comes out again is taken to be as small as it looks


def uncovered(expected: Array, seen: Array) -> Array:
    """The places (N, 4: centre and sides) of whole things, of which the boxes `seen` may show a part only.

    A thing that walks behind a post seems to slow down and to become thin; its speed is taken from the edge that shows.
    """
    whole = seen.copy()
    for axis in (0, 1):
        side, full = seen[:, axis + 2], expected[:, axis + 2]
        near_off = np.abs((seen[:, axis] - side / 2) - (expected[:, axis] - full / 2))
        far_off = np.abs((seen[:, axis] + side / 2) - (expected[:, axis] + full / 2))
        covered = (side < SHRUNK * full) & (np.minimum(near_off, far_off) < TRUE_EDGE * full)
        far_covered, near_covered = covered & (near_off < far_off / 2), covered & (far_off < near_off / 2)
        taken = full * (1 - FORGOTTEN) + side * FORGOTTEN
        whole[far_covered, axis] += ((taken - side) / 2)[far_covered]
        whole[near_covered, axis] -= ((taken - side) / 2)[near_covered]
        either = far_covered | near_covered
        whole[either, axis + 2] = taken[either]
    return whole


def within(expected: Array, boxes: Array) -> Array:
    """(T, D) the share of each box that lies where a thing (both corners) is taken to be; 0 for one twice as large."""
    shared, fits = 1.0, np.ones((len(expected), len(boxes)), bool)
    for near, far in ((0, 2), (1, 3)):
        mine, theirs = expected[:, far] - expected[:, near], boxes[:, far] - boxes[:, near]
        low = np.maximum(expected[:, near, None], boxes[None, :, near])
        high = np.minimum(expected[:, far, None], boxes[None, :, far])
        shared = shared * np.maximum(high - low, 0) / np.maximum(theirs, 1e-9)
        fits &= theirs[None] < 2 * mine[:, None]
    return np.asarray(np.where(fits, shared, 0))
