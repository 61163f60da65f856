"""Icons: the largest picture of an .ico, a PNG or a bitmap without its file header and with a mask behind it."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

__all__ = ["bitmap_size", "largest", "pixels_of"]

_ENTRY = struct.Struct("<BBBBHHII")
_MOST_SIDE = 4096


def largest(data: bytes) -> bytes:
    """The bytes of the largest picture, of those the one with most colours; ValueError where there is none."""
    (count,) = struct.unpack_from("<H", data, 4)
    entries = [_ENTRY.unpack_from(data, 6 + _ENTRY.size * i) for i in range(count)]
    if not entries:
        raise ValueError("no picture")
    width_height = [((entry[0] or 256) * (entry[1] or 256), entry[5]) for entry in entries]
    *_, size, start = entries[max(range(count), key=width_height.__getitem__)]
    if start + size > len(data):
        raise ValueError("the picture reaches beyond the end")
    return data[start : start + size]


def bitmap_size(bitmap: bytes) -> tuple[int, int, int]:
    """Width, height and bits a pixel of a bitmap; its header's height counts the mask as well."""
    head, width, height, _, bits, method = struct.unpack_from("<IiiHHI", bitmap, 0)
    height = abs(height) // 2
    if head < 40 or method not in (0, 3) or bits not in (1, 4, 8, 24, 32):
        raise ValueError("no bitmap of an icon")
    if not (0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE):
        raise ValueError("no size of an icon")
    return width, height, bits


def pixels_of(bitmap: bytes) -> NDArray[np.uint8]:
    """(H, W, 4) BGRA of a bitmap; what its mask leaves out has opacity 0."""
    width, height, bits = bitmap_size(bitmap)
    at = struct.unpack_from("<I", bitmap, 0)[0]
    colors = (struct.unpack_from("<I", bitmap, 32)[0] or 1 << bits) if bits <= 8 else 0
    table = _bytes(bitmap, at, 4 * colors).reshape(-1, 4)
    at += 4 * colors
    rows = _rows(bitmap, at, height, width * bits)
    mask = at + rows.size
    out = np.empty((height, width, 4), np.uint8)
    if bits <= 8:
        per = 8 // bits
        index = np.empty((height, rows.shape[1] * per), np.uint8)
        for k in range(per):
            index[:, k::per] = rows >> (8 - bits * (k + 1)) & ((1 << bits) - 1)
        if index[:, :width].max(initial=0) >= len(table):
            raise ValueError("a colour that is not in its table")
        out[..., :3] = table[index[:, :width], :3]
    else:
        out[..., : bits // 8] = rows[:, : width * bits // 8].reshape(height, width, bits // 8)
    if bits < 32 or not out[..., 3].any():
        out[..., 3] = 255
        if mask + (width + 31) // 32 * 4 * height <= len(bitmap):  # some writers leave it out, or short
            out[..., 3][np.unpackbits(_rows(bitmap, mask, height, width), axis=1)[:, :width] == 1] = 0
    return np.ascontiguousarray(out[::-1])  # stored from the bottom up


def _rows(data: bytes, at: int, height: int, bits: int) -> NDArray[np.uint8]:
    """Rows of so many bits, each padded to four bytes."""
    row = (bits + 31) // 32 * 4
    return _bytes(data, at, row * height).reshape(height, row)


def _bytes(data: bytes, at: int, size: int) -> NDArray[np.uint8]:
    if at + size > len(data):
        raise ValueError("it ends too early")
    return np.frombuffer(data, np.uint8, size, at)
