"""How much of a video file its own structure misses: a copy or a download that was broken off."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from ..images.animated import whole_pictures_of_gif

__all__ = ["pictures_before_cut", "said_of_cut", "whole_bytes"]

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MOST_BOXES = 100_000  # of an MP4: a fragmented one has two a second
_LAX_BYTES = 8  # some writers count the head of the file too
_UNKNOWN = 0xFFFFFFFF


def said_of_cut(path: str) -> str | None:
    """What is to be said of a file that ends before it says that it ends; None of a whole one."""
    try:
        with Path(path).open("rb") as stream:
            there = stream.seek(0, 2)
            whole = whole_bytes(stream, there)
    except OSError:  # who reads it will say so
        return None
    if whole <= there + _LAX_BYTES:
        return None
    return f"{path}: is cut short, {_mb(there)} of {_mb(whole)} MB are there; what can be read of them is looked at"


def pictures_before_cut(path: str) -> tuple[int | None, str | None]:
    """Of a GIF that ends too early how many pictures are whole, and what is to be said; twice None of a whole one.

    A decoder would show what there is of the next one over the picture before.
    """
    try:
        whole = whole_pictures_of_gif(path)
    except OSError:  # who reads it will say so
        whole = None
    if whole is None:
        return None, None
    return whole, f"{path}: is cut short; the pictures that are whole are looked at, {whole} of them"


def whole_bytes(stream: IO[bytes], there: int) -> int:
    """The bytes that an MP4, AVI, WebP or Matroska says it has, at least; 0 where it says nothing."""
    stream.seek(0)
    head = stream.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return _end_of_boxes(stream, there)
    if head[:4] == b"RIFF":
        size = int.from_bytes(head[4:8], "little")
        return 0 if size == _UNKNOWN else 8 + size
    if head[:4] == _EBML:
        return _end_of_segment(stream)
    return 0


def _end_of_boxes(stream: IO[bytes], there: int) -> int:
    """Where the last box of an MP4 ends."""
    at = 0
    for _ in range(_MOST_BOXES):
        stream.seek(at)
        head = stream.read(16)
        if at + 8 > there:
            break
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # to the file's end, or nothing of this kind
            return 0
        at += size
    return at


def _end_of_segment(stream: IO[bytes]) -> int:
    """Where the one segment of a Matroska or WebM file ends."""
    stream.seek(4)
    size = _length(stream)
    if size is None:
        return 0
    stream.seek(size, 1)
    if stream.read(4) != _SEGMENT or (size := _length(stream)) is None:
        return 0
    return stream.tell() + size


def _length(stream: IO[bytes]) -> int | None:
    """An EBML length; None where it is unknown, as in what was written live."""
    first = stream.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    value = int.from_bytes(first + stream.read(width - 1), "big") & ((1 << 7 * width) - 1)
    return None if value == (1 << 7 * width) - 1 else value


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"
