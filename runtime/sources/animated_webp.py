"""An animated WebP as a clip: every picture in order, each laid over what was there as the file says."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, SourceError
from ..frame import Frame
from ..images.animated import webp_pieces
from ..images.depth import to_bgr
from ..images.read import checked_header

__all__ = ["AnimatedWebp"]

MOST_PIXELS = 16_000_000
SHORTEST_MS = 10  # a picture of less is shown for a tenth of a second by browsers
SHOWN_MS = 100
_NO_BLEND, _CLEARED = 2, 1


@dataclass(frozen=True)
class _Piece:
    """One picture of the file: where it goes, how long it stays, and what is done with it."""

    x: int
    y: int
    w: int
    h: int
    ms: int
    flags: int
    data: bytes  # a WebP file of its own


class AnimatedWebp:
    """Every picture of an animated WebP; nothing but this is needed, FFmpeg's reader knows only the still ones."""

    live = False

    def __init__(self, path: str, *, name: str | None = None) -> None:
        self.name, self.path = name or path, path
        self.fps: float | None = None  # known when it is open
        self._stream: IO[bytes] | None = None
        self._pieces: Iterator[_Piece] = iter(())
        self._canvas: NDArray[np.uint8] | None = None  # (H, W, 4) BGRA
        self._clear: tuple[slice, slice] | None = None
        self._index = self._at_ms = 0

    def read(self) -> Frame | None:
        """The next picture, None after the last."""
        begun = time.monotonic()
        piece = next(self._pieces, None)
        if piece is None:
            return None
        assert self._canvas is not None
        self._lay(piece, self._canvas)
        image, _ = to_bgr(self._canvas, "straight")
        frame = Frame(image, self._index, begun, time.time(), self.name, position_s=self._at_ms / 1e3)
        self._index, self._at_ms = self._index + 1, self._at_ms + piece.ms
        return frame

    def interrupt(self) -> None:
        """A read of a file does not wait."""

    def __enter__(self) -> AnimatedWebp:
        try:
            self._stream = Path(self.path).open("rb")
            head = self._stream.read(30)
            width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
            pieces = list(_pieces(self._stream, 0))
        except (OSError, struct.error) as error:
            self.__exit__()
            raise SourceError(f"{self.path}: could not be read ({error})") from None
        if width * height > MOST_PIXELS:
            self.__exit__()
            raise SourceError(f"{self.path}: {width} × {height} pixels; a moving picture may have {MOST_PIXELS}")
        self.fps = len(pieces) / max(sum(piece.ms for piece in pieces) / 1e3, 0.01)
        self._pieces = _pieces(self._stream, 1 << 30)
        self._canvas = np.zeros((height, width, 4), np.uint8)
        self._clear, self._index, self._at_ms = None, 0, 0
        return self

    def __exit__(self, *exc: object) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._pieces, self._canvas = iter(()), None

    def _lay(self, piece: _Piece, canvas: NDArray[np.uint8]) -> None:
        """Clear what the picture before wanted to be cleared, and put this one where it goes."""
        if self._clear is not None:
            canvas[self._clear] = 0
        place = slice(piece.y, piece.y + piece.h), slice(piece.x, piece.x + piece.w)
        there = canvas[place]
        image = self._decoded(piece)
        if image.shape[:2] != there.shape[:2]:
            raise SourceError(f"{self.path}: picture {self._index} does not fit into the others")
        if piece.flags & _NO_BLEND or image.shape[2] == 3:
            there[..., :3], there[..., 3] = image[..., :3], image[..., 3] if image.shape[2] == 4 else 255
        else:
            _blend(there, image)
        self._clear = place if piece.flags & _CLEARED else None

    def _decoded(self, piece: _Piece) -> NDArray[np.uint8]:
        try:
            header = checked_header(piece.data, self.path)
            raw = cv2.imdecode(np.frombuffer(piece.data, np.uint8), cv2.IMREAD_UNCHANGED)
        except (ImageError, cv2.error) as error:
            raise SourceError(f"{self.path}: picture {self._index} cannot be decoded ({error})") from None
        if raw is None or (header.width, header.height) != (piece.w, piece.h):
            raise SourceError(f"{self.path}: picture {self._index} is damaged")
        return np.asarray(raw, np.uint8)


def _blend(there: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
    """A picture with opacity over another one."""
    over, under = image[..., 3:].astype(np.float32) / 255, there[..., 3:].astype(np.float32) / 255
    opacity = over + under * (1 - over)
    mixed = image[..., :3] * over + there[..., :3] * under * (1 - over)
    there[..., :3] = np.rint(mixed / np.maximum(opacity, 1e-6))
    there[..., 3:] = np.rint(opacity * 255)


def _pieces(stream: IO[bytes], most_bytes: int) -> Iterator[_Piece]:
    """The pictures in order; their data up to so many bytes each."""
    stream.seek(12)
    for kind, at, size in webp_pieces(stream):
        if kind != b"ANMF" or size < 16:
            continue
        stream.seek(at)
        head = stream.read(16)
        x, y, w, h, ms = (int.from_bytes(head[i : i + 3], "little") for i in (0, 3, 6, 9, 12))
        data = _as_file(stream, at + 16, at + size, (w + 1, h + 1)) if most_bytes else b""
        yield _Piece(2 * x, 2 * y, w + 1, h + 1, ms if ms > SHORTEST_MS else SHOWN_MS, head[15], data)


def _as_file(stream: IO[bytes], at: int, end: int, size: tuple[int, int]) -> bytes:
    """One picture's chunks as a WebP file of its own."""
    stream.seek(at)
    chunks = {}
    for kind, start, length in webp_pieces(stream, end):
        stream.seek(start)
        chunks[kind] = struct.pack("<4sI", kind, length) + stream.read(length) + b"\0" * (length % 2)
    body = b"".join(chunks[kind] for kind in (b"ALPH", b"VP8 ", b"VP8L") if kind in chunks)
    if b"ALPH" in chunks:
        width, height = ((side - 1).to_bytes(3, "little") for side in size)
        body = struct.pack("<4sII", b"VP8X", 10, 0x10) + width + height + body
    return struct.pack("<4sI", b"RIFF", len(body) + 4) + b"WEBP" + body
