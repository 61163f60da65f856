"""Masks as sums of prototypes: each thing's own mixture of maps that all things of a picture share."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..preprocess import Placement

__all__ = ["is_drawn", "masks_in_boxes"]

_FINER = 2  # points of a mask to one of a prototype: its edge lies between them
_EDGE, _SLOPE = 128, 16  # even odds, and by how much a logit is more: straight, so that enlarging moves no edge
_LEAST, _MOST = 8, 160  # points a side


def masks_in_boxes(
    coefficients: NDArray[np.float32],
    prototypes: NDArray[Any],
    boxes: NDArray[np.float32],
    placement: Placement,
    size: tuple[int, int],
) -> NDArray[np.uint8]:
    """Masks (N, h, w), each stretched over its own box x, y, w, h in the frame: from 128 on it is the thing.

    `prototypes` are (K, H, W) over the whole input of `size` height and width, `coefficients` (N, K) mix them.
    """
    count, high, wide = prototypes.shape
    scale = np.array([wide / size[1], high / size[0]], np.float32)
    places = placement.to_input(boxes).reshape(-1, 2, 2) * scale  # (N, corner, x and y) among the prototypes' points
    sides = places[:, 1] - places[:, 0]
    w, h = np.clip(np.ceil(sides.max(axis=0, initial=0) * _FINER), _LEAST, _MOST).astype(int)
    flat = np.asarray(prototypes, np.float32).reshape(count, -1)
    mixed = (coefficients @ flat).reshape(-1, high, wide)
    found = np.empty((len(boxes), h, w), np.uint8)
    for row, ((x, y), side) in enumerate(zip(places[:, 0], sides, strict=True)):
        step_x, step_y = side[0] / w, side[1] / h
        # a point of the mask to the prototypes' points, the middles of both where they lie
        way = np.array([[step_x, 0, x + step_x / 2 - 0.5], [0, step_y, y + step_y / 2 - 0.5]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(mixed[row], way, (int(w), int(h)), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        found[row] = np.clip(_EDGE + _SLOPE * cut, 0, 255)
    return found


def is_drawn(masks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which masks (N, h, w) have any point that is of their thing."""
    return np.asarray((masks >= _EDGE).any(axis=(1, 2)))
