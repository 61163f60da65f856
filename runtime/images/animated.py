"""Whether an image file moves: a GIF or WebP of more than one picture."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["animation_of", "webp_pieces", "whole_pictures_of_gif"]

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


def whole_pictures_of_gif(path: str) -> int | None:
    """How many pictures of a GIF that ends before its last block are all there; None of one that is whole."""
    with Path(path).open("rb") as stream:
        if stream.read(4) != b"GIF8":
            return None
        there = stream.seek(0, 2)
        stream.seek(0)
        whole = 0
        for kind, end in _gif_blocks(stream):
            if kind not in (b"", b",", b"!"):  # the last block, or nothing of a GIF, which is no matter of its length
                return None
            if end is not None and end <= there:
                whole += kind == b","
    return whole


def _pictures_of_gif(stream: IO[bytes]) -> int:
    """How many pictures begin, up to two."""
    pictures = 0
    for kind, _ in itertools.islice(_gif_blocks(stream), MOST_BLOCKS):
        pictures += kind == b","
        if pictures > 1 or kind not in (b",", b"!"):
            break
    return pictures


def _gif_blocks(stream: IO[bytes]) -> Iterator[tuple[bytes, int | None]]:
    """The first byte of every block and where it ends, None of one that does not; b"" where the file does."""
    head = stream.read(13)
    if len(head) == 13:
        _skip_colors(stream, head[10])
    kind = b"" if len(head) < 13 else stream.read(1)
    while kind in (b"!", b","):
        described = stream.read(9 if kind == b"," else 1)
        if kind == b"," and len(described) == 9:
            _skip_colors(stream, described[8])
            stream.read(1)  # how long the shortest code is
        yield kind, _end_of_data(stream)
        kind = stream.read(1)
    yield kind, None


def _end_of_data(stream: IO[bytes]) -> int | None:
    """Where a block's data end: pieces of up to 255 bytes, the last one empty."""
    while size := stream.read(1):
        if size == b"\0":
            return stream.tell()
        stream.seek(size[0], 1)
    return None


def _skip_colors(stream: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        stream.seek(3 << ((flags & 7) + 1), 1)
