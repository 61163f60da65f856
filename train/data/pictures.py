"""Decoded pictures of one split: rows of an array, or of a mapped file whose resident part is kept small."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["StoredPictures"]

_AROUND = 64 * 1024  # what the kernel maps around a touched row when it is in the page cache


class StoredPictures:
    """uint8 pictures (N, H, W, C) in a network's size and colour.

    Rows of a file count as this process's memory once they were touched; past `resident` bytes they are given back,
    to be mapped again when they are needed.
    """

    def __init__(
        self,
        stored: NDArray[np.uint8],
        rows: NDArray[np.intp],
        *,
        mapped: mmap.mmap | None = None,
        resident: int | None = None,
    ) -> None:
        self._stored, self._rows, self._mapped, self._resident = stored, rows, mapped, resident
        self._touched = 0

    @classmethod
    def in_file(
        cls, path: Path, shape: tuple[int, int, int], rows: NDArray[np.intp], *, resident: int | None
    ) -> StoredPictures:
        """The given rows of a file of pictures of one shape."""
        if not len(rows):
            return cls(np.empty((0, *shape), np.uint8), rows)
        with path.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        count = len(mapped) // int(np.prod(shape))
        stored = np.frombuffer(mapped, np.uint8, count * int(np.prod(shape))).reshape(count, *shape)
        return cls(stored, rows, mapped=mapped, resident=resident)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """N, H, W, C."""
        return (len(self._rows), *self._stored.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def select(self, rows: NDArray[np.intp]) -> StoredPictures:
        """Some of the pictures, as pictures of the same file or array."""
        return StoredPictures(self._stored, self._rows[rows], mapped=self._mapped, resident=self._resident)

    def take(self, rows: NDArray[Any] | slice) -> NDArray[np.uint8]:
        """The given pictures as an array of their own."""
        picked = self._stored[self._rows[rows]]
        if self._mapped is not None and self._resident is not None:
            self._touched += len(picked) * (self._stored[0].nbytes + _AROUND)
            if self._touched > self._resident:
                self._mapped.madvise(mmap.MADV_DONTNEED)
                self._touched = 0
        return picked
