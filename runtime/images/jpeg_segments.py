"""The segments of a JPEG before its picture data, and what some writers leave between them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["jpeg_segments", "without_junk"]

_SCAN = 0xDA


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and length of every segment up to the first scan."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # bytes between two segments, which decoders pass over
            at = data.find(b"\xff", at)
            if at < 0 or at + 4 > len(data):
                return
        marker = data[at + 1]
        if marker in (0xFF, 0x01) or 0xD0 <= marker <= 0xD8:  # fill bytes and markers without a length
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, at + 4, length - 2
        at += 2 + max(length, 2)


def without_junk(data: bytes) -> bytes:
    """The same without bytes between segments that belong to none, which decoders report as damage."""
    kept, at = [data[:2]], 2
    for marker, start, length in jpeg_segments(data):
        end = len(data) if marker == _SCAN else start + max(length, 0)
        begin = at if data[at : at + 1] == b"\xff" else start - 4
        kept.append(data[begin:end])
        at = end
        if marker == _SCAN:
            break
    return b"".join(kept) if sum(map(len, kept)) < len(data) and at == len(data) else data
