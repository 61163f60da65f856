"""Where captions go that belong to boxes: beside their own, and over as little as can be of what else is to be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["places_for"]

_BOX = 0.5  # how much the part of a box counts that is covered, beside the part of this caption that covers another
_OWN_ORDER = 0.01  # what it costs to go on to the next place, where all are alike

Boxes = NDArray[np.float64]  # (N, 4): x, y, width, height


def places_for(boxes: Boxes, sizes: Sequence[tuple[int, int]], picture: tuple[int, int]) -> list[tuple[int, int]]:
    """Top left corners of captions of such sizes (width, height), the most important ones first, in a picture (w, h).

    Each goes above its box where nothing else stands there, else inside its top, below it, inside its bottom or to the
    right; where everything is full, over what it covers least of.
    """
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    areas, taken = boxes[:, 2:].prod(1).clip(min=1), np.zeros((len(boxes), 4))
    found = []
    for at, (width, height) in enumerate(sizes):
        tried = _tried(corners[at], width, height, picture)
        costs = _OWN_ORDER * np.arange(len(tried))
        costs += _shared(tried, taken[:at]).sum(1) / max(width * height, 1)
        costs += _BOX * (_shared(tried, corners) / areas).sum(1)
        taken[at] = tried[int(costs.argmin())]
        found.append((int(taken[at, 0]), int(taken[at, 1])))
    return found


def _tried(box: NDArray[np.float64], width: int, height: int, picture: tuple[int, int]) -> NDArray[np.float64]:
    """(5, 4): corners of the places for a caption around a box, moved so that they lie inside the picture."""
    left, top, right, bottom = box
    starts = np.array([(left, top - height), (left, top), (left, bottom), (left, bottom - height), (right, top)])
    starts = np.clip(starts, 0, np.maximum(np.array(picture) - (width, height), 0)).round()
    return np.concatenate([starts, starts + np.array([width, height])], axis=1)


def _shared(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M): the area that corners (N, 4) and (M, 4) share."""
    low = np.maximum(ones[:, None, :2], others[None, :, :2])
    high = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    area: NDArray[np.float64] = (high - low).clip(min=0).prod(2)
    return area
