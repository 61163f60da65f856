"""Pictures that come over the network: their kind and size are read from the first bytes, before anything decodes."""

from __future__ import annotations

import struct
import threading

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from ..images import decode_image

__all__ = ["MAX_PIXELS", "TooLargeError", "decode_upload", "picture_size"]

MAX_PIXELS = 16_000_000
LARGE_PIXELS = 3_000_000
_one_large = threading.Lock()  # large pictures are decoded one at a time, so that many of them do not fill the memory


class TooLargeError(ImageError):
    """More pixels than the service takes."""


def decode_upload(data: bytes, where: str, most: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A JPEG, PNG or WebP picture, (H, W, 3) uint8 BGR; anything else, and anything too large, is refused unread."""
    width, height = picture_size(data, where)
    if width * height > most:
        raise TooLargeError(f"{where}: {width} x {height} pixels; at most {most} are taken")
    if width * height < LARGE_PIXELS:
        return decode_image(data, where)
    with _one_large:
        return decode_image(data, where)


def picture_size(data: bytes, where: str) -> tuple[int, int]:
    """Width and height as the header says them."""
    if not data:
        raise ImageError(f"{where}: is empty")
    size = None
    if data.startswith(b"\xff\xd8"):
        size = _jpeg_size(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        size = struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" and len(data) >= 24 else None
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = _webp_size(data)
    else:
        raise ImageError(f"{where}: is no JPEG, PNG or WebP picture")
    if size is None or 0 in size:
        raise ImageError(f"{where}: is damaged: its header says no size")
    return size


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From the start-of-frame segment."""
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if len(data) < 30:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None
