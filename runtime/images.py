"""Image files of any kind as upright uint8 BGR."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["SUFFIXES", "decode_image", "read_image"]

SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".bmp",
        ".dib",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
    ]
)


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """A file's first picture, (H, W, 3) uint8 BGR, turned as its EXIF says."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: could not be read ({error.strerror or error})") from None
    return decode_image(data, str(path))


def decode_image(data: bytes, where: str) -> NDArray[np.uint8]:
    """An encoded picture, (H, W, 3) uint8 BGR, turned as its EXIF says."""
    if not data:
        raise ImageError(f"{where}: is empty")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ImageError(f"{where}: is no image that can be decoded")
    return np.asarray(image, np.uint8)
