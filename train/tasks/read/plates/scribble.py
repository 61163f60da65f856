"""Strokes where a sign stands that no font here knows, or that is of another script than what is read."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["scribbled"]


def scribbled(size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) 0 to 1: a few strokes, most of which stand or lie."""
    high, wide = size
    mask = np.zeros(size, np.uint8)
    for _ in range(int(chance.integers(5, 10))):
        (x0, y0), (x1, y1) = (chance.random((2, 2)) * (wide, high)).tolist()
        how = chance.random()
        x1, y1 = (x0 if how < 0.35 else x1), (y0 if 0.35 <= how < 0.75 else y1)
        cv2.line(mask, (round(x0), round(y0)), (round(x1), round(y1)), 255, max(high // 11, 1), cv2.LINE_AA)
    return np.asarray(mask / 255, np.float32)
