"""A picture that waits for its clip, and what was seen in it, as small as it will be kept."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import cv2
import numpy as np

from .video.protocol import Picture

__all__ = ["Still", "still_of"]


@dataclass(frozen=True)
class Still:
    """In pages of its own: what waits for seconds among short-lived frames scatters the heap."""

    moment: float  # seconds on its source's clock
    pages: mmap.mmap
    picture_bytes: int

    @property
    def picture(self) -> bytes:
        """The JPEG."""
        return self.pages[: self.picture_bytes]

    @property
    def said(self) -> str:
        """What a line beside the clip says of it; empty where there are none."""
        return self.pages[self.picture_bytes :].decode("utf-8", "surrogatepass")


def still_of(moment: float, image: Picture, most_side: int, said: str = "") -> Still:
    """A picture as JPEG, no side of it longer than `most_side`."""
    height, width = image.shape[:2]
    shrink = min(most_side / max(height, width), 1.0)
    if shrink < 1:
        size = max(round(width * shrink), 1), max(round(height * shrink), 1)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    beside = said.encode("utf-8", "surrogatepass")
    pages = mmap.mmap(-1, len(data) + len(beside))
    pages.write(data.data)
    pages.write(beside)
    return Still(moment, pages, len(data))
