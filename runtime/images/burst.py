"""Which frames of a burst are worth keeping: those that differ enough from all that were kept before."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..preprocess import Region

__all__ = ["Burst", "cropped", "in_terminal"]

SIDE = 32  # pixels of the pictures that are compared


class Burst:
    """Compares small gray pictures; `least` is the mean difference, 0 to 255 gray levels, that a new one must have."""

    def __init__(self, least: float = 6.0) -> None:
        self.least = least
        self._kept: list[NDArray[np.float32]] = []

    def takes(self, image: NDArray[np.uint8]) -> bool:
        """Whether to keep this picture; it is then compared with those that follow."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        if any(float(np.abs(small - other).mean()) < self.least for other in self._kept):
            return False
        self._kept.append(small)
        return True


def cropped(image: NDArray[np.uint8], region: Region | None) -> NDArray[np.uint8]:
    """The region of a picture, or all of it."""
    if region is None:
        return image
    x, y, w, h = region.pixels(*image.shape[:2])
    return np.ascontiguousarray(image[y : y + h, x : x + w])


def in_terminal(image: NDArray[np.uint8], columns: int) -> str:
    """A small picture of half blocks in 24-bit colour, two pixels a character."""
    rows = max(round(image.shape[0] / image.shape[1] * columns) // 2, 1)
    small = cv2.resize(image, (columns, rows * 2), interpolation=cv2.INTER_AREA)
    lines = []
    for top, bottom in zip(small[::2], small[1::2], strict=True):
        cells = (
            f"\x1b[38;2;{t[2]};{t[1]};{t[0]}m\x1b[48;2;{b[2]};{b[1]};{b[0]}m▀" for t, b in zip(top, bottom, strict=True)
        )
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)
