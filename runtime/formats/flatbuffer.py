"""The FlatBuffers format: tables and vectors, every offset checked against the file."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .description import FormatError

__all__ = ["Table", "root"]


def root(data: bytes, identifier: bytes | None = None) -> Table:
    """The file's outermost table; the four-letter identifier is checked where one is given."""
    if identifier is not None and data[4:8] != identifier:
        raise FormatError(f"it lacks the mark {identifier.decode()}")
    return Table(data, _number(data, "<I", 0))


class Table:
    """One table; a field is asked for by its index in the schema."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - _number(data, "<i", at)
        self._fields = max(_number(data, "<H", self._vtable) - 4, 0) // 2

    def _place(self, index: int) -> int | None:
        if index >= self._fields:
            return None
        offset = _number(self._data, "<H", self._vtable + 4 + 2 * index)
        return self._at + offset if offset else None

    def number(self, index: int, form: str, default: int = 0) -> int:
        """A number field, its form as in `struct`."""
        place = self._place(index)
        return default if place is None else _number(self._data, "<" + form, place)

    def table(self, index: int) -> Table | None:
        """A table field."""
        place = self._target(index)
        return None if place is None else Table(self._data, place)

    def text(self, index: int) -> str:
        """A text field, empty where there is none."""
        place = self._target(index)
        return "" if place is None else _text(self._data, place)

    def array(self, index: int, dtype: str) -> NDArray[Any]:
        """A vector of numbers."""
        place = self._target(index)
        if place is None:
            return np.empty(0, dtype)
        count = _number(self._data, "<I", place)
        _within(self._data, place + 4, count * np.dtype(dtype).itemsize)
        return np.frombuffer(self._data, np.dtype(dtype).newbyteorder("<"), count, place + 4)

    def tables(self, index: int) -> list[Table]:
        """A vector of tables."""
        return [Table(self._data, place) for place in self._offsets(index)]

    def texts(self, index: int) -> list[str]:
        """A vector of texts."""
        return [_text(self._data, place) for place in self._offsets(index)]

    def _offsets(self, index: int) -> list[int]:
        place = self._target(index)
        if place is None:
            return []
        count = _number(self._data, "<I", place)
        _within(self._data, place + 4, count * 4)
        offsets = struct.unpack_from(f"<{count}I", self._data, place + 4)
        return [place + 4 + 4 * i + offset for i, offset in enumerate(offsets)]

    def _target(self, index: int) -> int | None:
        place = self._place(index)
        return None if place is None else place + _number(self._data, "<I", place)


def _number(data: bytes, form: str, at: int) -> int:
    _within(data, at, struct.calcsize(form))
    return int(struct.unpack_from(form, data, at)[0])


def _text(data: bytes, at: int) -> str:
    size = _number(data, "<I", at)
    _within(data, at + 4, size)
    return data[at + 4 : at + 4 + size].decode("utf-8", "replace")


def _within(data: bytes, at: int, size: int) -> None:
    if at < 0 or at + size > len(data):
        raise FormatError(f"an offset points to byte {at}, outside the file")
