"""Masks as recognitions keep them, stretched over each row's box: their outlines, and several as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["outlines", "stretched", "together"]

_HALF = 128  # from here on a point belongs to the thing
_FINEST = 512  # points a side at which an outline is drawn; larger boxes have it enlarged
_CLOSE = 0.75  # pixels that an outline may lie beside the mask's edge
_SPECK = 0.01  # of the largest part: smaller ones are noise


def outlines(mask: NDArray[np.uint8], box: Sequence[float]) -> list[NDArray[np.float32]]:
    """The thing's outlines (N, 2) x, y in pixels of the frame, the largest first; holes are left out."""
    x, y, w, h = (float(value) for value in box)
    if not np.isfinite([x, y, w, h]).all() or min(w, h) <= 0:
        return []
    wide, high = (min(max(round(side), 2), _FINEST) for side in (w, h))
    drawn = np.asarray(cv2.resize(mask, (wide, high), interpolation=cv2.INTER_LINEAR)) >= _HALF
    found, _ = cv2.findContours(drawn.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    parts = sorted(((cv2.contourArea(part), part) for part in found), key=lambda pair: -pair[0])
    scale = np.array([w / wide, h / high], np.float32)
    close = [cv2.approxPolyDP(part, _CLOSE / max(float(scale.max()), 1), True) for area, part in parts
             if area >= _SPECK * parts[0][0]]  # fmt: skip
    return [(_flat(part) + 0.5) * scale + np.array([x, y], np.float32) for part in close if len(part) >= 3]


def stretched(masks: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Masks (N, h, w) with as many points as others have."""
    if masks.shape[1:] == (height, width):
        return masks
    made = [cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) for mask in masks]
    return np.array(made, np.uint8).reshape(len(masks), height, width)


def together(
    masks: NDArray[np.uint8], corners: NDArray[Any], around: NDArray[Any], height: int, width: int
) -> NDArray[np.uint8]:
    """One mask (height, width) over the box `around` of what several show, each over its own box x1, y1, x2, y2."""
    step = (around[2:] - around[:2]) / (width, height)  # of the frame, from one point to the next
    middles_x = around[0] + step[0] * (np.arange(width) + 0.5)
    middles_y = around[1] + step[1] * (np.arange(height) + 0.5)
    found = np.zeros((height, width), np.uint8)
    for mask, box in zip(masks, corners, strict=True):
        points = np.array(mask.shape[::-1]) / np.maximum(box[2:] - box[:2], 1e-6)  # of this mask, to a frame's pixel
        scale, shift = step * points, (around[:2] + step / 2 - box[:2]) * points - 0.5
        way = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        part = cv2.warpAffine(mask, way, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        part[(middles_y < box[1]) | (middles_y > box[3])] = 0
        part[:, (middles_x < box[0]) | (middles_x > box[2])] = 0
        found = np.maximum(found, part)
    return found


def _flat(part: Any) -> NDArray[np.float32]:
    return np.asarray(part, np.float32).reshape(-1, 2)
