"""Parts of the picture that nobody is to see: blurred beyond repair as soon as a frame is there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from .geometry import scaled
from .options import Zone

__all__ = ["PrivacyMask", "hidden"]

CELLS = 6  # what is left of the longer side of a masked part
LEAST = 4  # pixels that become one at least, or a mask of few pixels would hide nothing


class PrivacyMask:
    """Blurs a source's frames; what stands in a masked part is recognized no more than it is shown."""

    def __init__(self, zones: tuple[Zone, ...]) -> None:
        self._zones = zones
        self._size: tuple[int, int] | None = None
        self._parts: list[tuple[slice, slice, NDArray[np.bool_]]] = []

    def hide(self, frame: Frame) -> Frame:
        """The frame with the masked parts blurred; the one that was given keeps its pixels."""
        if self._size != frame.size:
            self._size = frame.size
            self._parts = [part for zone in self._zones if (part := _part(zone, frame.size)) is not None]
        image = frame.image.copy()
        for rows, columns, covered in self._parts:
            seen = image[rows, columns]
            seen[covered] = _blurred(seen)[covered]
        return replace(frame, image=image)


def hidden(frames: Generator[Frame], zones: tuple[Zone, ...]) -> Generator[Frame]:
    """A source's frames with these parts blurred; they end with it."""
    mask = PrivacyMask(zones)
    with closing(frames):
        for frame in frames:
            yield mask.hide(frame) if zones else frame


def _part(zone: Zone, size: tuple[int, int]) -> tuple[slice, slice, NDArray[np.bool_]] | None:
    """A mask's rectangle in the frame, and which of its pixels it covers."""
    points = scaled(zone.points, size)
    left, top = np.floor(points.min(axis=0)).astype(int)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + 1
    rows, columns = slice(top, min(bottom, size[0])), slice(left, min(right, size[1]))
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    if min(shape) <= 0:
        return None
    covered = np.zeros(shape, np.uint8)
    cv2.fillPoly(covered, [np.round(points - (left, top)).astype(np.int32)], 1)
    outlines, _ = cv2.findContours(covered, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(covered, outlines, -1, 1, cv2.FILLED)  # a mask that crosses itself shows nothing of its middle
    return rows, columns, covered.astype(bool)


def _blurred(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A few large soft spots in place of a picture."""
    height, width = part.shape[:2]
    scale = min(CELLS / max(height, width), 1 / LEAST)
    few = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
