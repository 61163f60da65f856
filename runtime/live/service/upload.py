"""Pictures that come over the network: their kind and size are read from the header, before anything decodes."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from ...images.read import checked_header, decode_image

__all__ = ["MAX_PIXELS", "TooLargeError", "decode_upload"]

KINDS = ("jpeg", "png", "webp")
MAX_PIXELS = 16_000_000
LARGE_PIXELS = 3_000_000
_one_large = threading.Lock()  # large pictures are decoded one at a time, so that many of them do not fill the memory


class TooLargeError(ImageError):
    """More pixels than the service takes."""


def decode_upload(data: bytes, where: str, most: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A JPEG, PNG or WebP picture, (H, W, 3) uint8 BGR; anything else, and anything too large, is refused undecoded."""
    try:
        header = checked_header(data, where)
    except ImageError as error:
        if "would take" in str(error):
            raise TooLargeError(str(error)) from None
        raise
    if header.kind not in KINDS:
        raise ImageError(f"{where}: is a {header.kind} picture; JPEG, PNG and WebP are taken")
    pixels = header.width * header.height
    if pixels > most:
        raise TooLargeError(f"{where}: {header.width} x {header.height} pixels; at most {most} are taken")
    if pixels < LARGE_PIXELS:
        return decode_image(data, where)
    with _one_large:
        return decode_image(data, where)
