"""A source whose pictures are mirrored or turned: a camera that hangs upside down."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..errors import UsageError
from ..frame import Frame
from .protocol import Source

__all__ = ["FLIPS", "ROTATIONS", "Turned"]

FLIPS = {"horizontal": 1, "vertical": 0, "both": -1}
ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Turned:
    """Another source's frames, mirrored first and then turned clockwise."""

    def __init__(self, source: Source, flip: str | None = None, rotate: int = 0) -> None:
        if rotate % 360 not in (0, *ROTATIONS):
            raise UsageError(f"--rotate {rotate}: pictures turn by 90, 180 or 270 degrees")
        self.source, self.name, self.live = source, source.name, source.live
        self._flip, self._rotate = flip, rotate % 360

    def read(self) -> Frame | None:
        """The next frame, turned."""
        frame = self.source.read()
        if frame is None:
            return None
        image = frame.image
        if self._flip is not None:
            image = np.asarray(cv2.flip(image, FLIPS[self._flip]), np.uint8)
        if self._rotate:
            image = np.asarray(cv2.rotate(image, ROTATIONS[self._rotate]), np.uint8)
        return replace(frame, image=image)

    def interrupt(self) -> None:
        """Interrupt the source."""
        self.source.interrupt()

    def __enter__(self) -> Turned:
        self.source.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.source.__exit__(*exc)
