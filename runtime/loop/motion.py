"""Recognize only where the picture changed: a comparison of small gray pictures."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from ..preprocess import Region

__all__ = ["MotionGate"]

SIDE = 96  # the longer side of the pictures that are compared
DIFFERENT = 18  # gray levels a pixel must change by, above sensor noise
SHARE = 0.004  # of the pixels that must change
REFRESH_S = 2.0  # a picture without change is looked at this often all the same


class MotionGate:
    """Says whether a frame differs from the last one that was recognized."""

    def __init__(self, refresh_s: float = REFRESH_S) -> None:
        self._refresh_s = refresh_s
        self._last: NDArray[np.uint8] | None = None
        self._looked = 0.0

    def changed(self, image: NDArray[np.uint8], region: Region | None = None, moment_s: float | None = None) -> bool:
        """Whether to recognize this frame; it is then what later frames are compared with.

        `moment_s` is its place in a file, which is not watched in its own time; of a live source it is now.
        """
        small = _small_gray(image, region)
        now = time.monotonic() if moment_s is None else moment_s
        if self._last is not None and self._last.shape == small.shape and now - self._looked < self._refresh_s:
            different = cv2.absdiff(small, self._last) > DIFFERENT
            if np.count_nonzero(different) < SHARE * different.size:
                return False
        self._last, self._looked = small, now
        return True


def _small_gray(image: NDArray[np.uint8], region: Region | None) -> NDArray[np.uint8]:
    """Every n-th pixel of the region, gray and blurred against noise."""
    x, y, w, h = region.pixels(*image.shape[:2]) if region else (0, 0, image.shape[1], image.shape[0])
    step = max(max(w, h) // SIDE, 1)
    picked = np.ascontiguousarray(image[y : y + h : step, x : x + w : step])
    return np.asarray(cv2.blur(cv2.cvtColor(picked, cv2.COLOR_BGR2GRAY), (3, 3)), np.uint8)
