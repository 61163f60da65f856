"""Whether an image file moves: a GIF or WebP of more than one picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["animation_of", "webp_pieces"]

SUFFIXES = (".gif", ".webp")
MOST_BLOCKS = 10_000  # of a GIF, before its second picture


def animation_of(path: Path) -> str | None:
    """ "gif" or "webp" for a file of several pictures by its content, None for everything else."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(21)
        if head[:4] == b"GIF8":
            stream.seek(0)
            return "gif" if _pictures_of_gif(stream) > 1 else None
        if head[:4] + head[8:16] == b"RIFFWEBPVP8X" and len(head) == 21 and head[20] & 2:
            stream.seek(12)
            pictures = sum(kind == b"ANMF" for kind, _, _ in webp_pieces(stream))
            return "webp" if pictures > 1 else None
    return None


def webp_pieces(stream: IO[bytes], end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and size of the RIFF chunks from where a stream stands, as far as they are all there."""
    last = stream.seek(0, 2) if end is None else end
    at = 12 if end is None else stream.tell()
    while at + 8 <= last:
        stream.seek(at)
        kind, size = struct.unpack("<4sI", stream.read(8))
        if at + 8 + size > last:
            return
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _pictures_of_gif(stream: IO[bytes]) -> int:
    """How many pictures there are, up to two."""
    head = stream.read(13)
    if len(head) < 13:
        return 0
    _skip_colors(stream, head[10])
    pictures = 0
    for _ in range(MOST_BLOCKS):
        kind = stream.read(1)
        if kind == b"!":
            stream.read(1)
        elif kind == b",":
            pictures += 1
            described = stream.read(9)
            if pictures > 1 or len(described) < 9:
                break
            _skip_colors(stream, described[8])
            stream.read(1)
        else:
            break
        while size := stream.read(1)[:1]:
            if size == b"\0":
                break
            stream.seek(size[0], 1)
    return pictures


def _skip_colors(stream: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        stream.seek(3 << ((flags & 7) + 1), 1)
