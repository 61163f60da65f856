"""One image on its way through the runtime."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["Frame"]

STILLS_FPS = 30.0  # of a folder of pictures, which know no time


@dataclass(frozen=True, repr=False)
class Frame:
    """An image with its place in its source and the moment it was captured.

    `captured` is monotonic seconds (ages are measured against it), `time` is wall-clock seconds since the epoch;
    `path` is set when the frame is an image file, `position_s` when it is of a video file.
    """

    image: NDArray[np.uint8]  # (H, W, 3) uint8 BGR
    index: int = 0
    captured: float = field(default_factory=time.monotonic)
    time: float = field(default_factory=time.time)
    source: str = ""
    path: str | None = None
    position_s: float | None = None  # the place in a file or clip

    def __post_init__(self) -> None:
        image = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            what = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise ImageError(f"a frame's image must be a uint8 BGR array of shape (H, W, 3), not {what}")
        if image.size == 0:
            raise ImageError(f"a frame's image has no pixels: its shape is {image.shape}")

    @property
    def clock_s(self) -> float:
        """Seconds on the clock of its source: its place in a file, else when it was captured."""
        return self.captured if self.position_s is None else self.position_s

    @property
    def moment_s(self) -> float:
        """When it was, in seconds: its place in a file, else when it was captured; a folder's come at 30 fps."""
        if self.path is not None and self.position_s is None:
            return self.index / STILLS_FPS
        return self.clock_s

    def __repr__(self) -> str:
        height, width = self.size
        return f"<Frame {width}x{height}, number {self.index}{f' of {self.source}' if self.source else ''}>"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]
