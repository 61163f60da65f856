"""All exemplars' features in memory, in 8 bits, and the nearest of them: plain numpy, fast to a hundred thousand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Index", "unit"]

_CHUNK = 1024  # rows at a time: what is made of them stays in the processor's cache


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (..., D) of length 1; a row of nothing stays nothing."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)


class Index:
    """Rows (N, D) that grow; each is kept as 8-bit numbers and the factor that gives it length 1 again."""

    def __init__(self, width: int) -> None:
        self.width, self._count = width, 0
        self._rows = np.empty((0, width), np.int8)
        self._scales = np.empty(0, np.float32)

    def __len__(self) -> int:
        return self._count

    def add(self, rows: NDArray[np.float32]) -> None:
        """Put rows (M, D) behind the others."""
        if not len(rows):
            return
        largest = np.abs(rows).max(axis=1, keepdims=True)
        small = np.rint(rows * (127 / np.maximum(largest, 1e-9))).astype(np.int8)
        self._make_room(self._count + len(rows))
        place = slice(self._count, self._count + len(rows))
        self._rows[place] = small
        self._scales[place] = 1 / np.maximum(np.linalg.norm(small.astype(np.float32), axis=1), 1e-9)
        self._count += len(rows)

    def rows(self, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """Some of them, of length 1."""
        return self._rows[places].astype(np.float32) * self._scales[places, None]

    def cosines(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) of a row (D,) of length 1 with each."""
        found, chunk = np.empty(self._count, np.float32), np.empty((min(_CHUNK, self._count), self.width), np.float32)
        for start in range(0, self._count, _CHUNK):
            count = min(_CHUNK, self._count - start)
            np.copyto(chunk[:count], self._rows[start : start + count], casting="unsafe")
            np.dot(chunk[:count], row, out=found[start : start + count])
        found *= self._scales[: self._count]
        return found

    def _make_room(self, count: int) -> None:
        if count <= len(self._rows):
            return
        room = count if not len(self._rows) else max(count, len(self._rows) + len(self._rows) // 4)
        for name in ("_rows", "_scales"):
            old = getattr(self, name)
            new = np.empty((room, *old.shape[1:]), old.dtype)
            new[: self._count] = old[: self._count]
            setattr(self, name, new)
