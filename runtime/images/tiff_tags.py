"""The first directory of a TIFF, which EXIF is one of as well: numbers only, no length in it believed."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["TiffTags", "read_tags"]

_ORDERS = {b"II": "<", b"MM": ">"}
_FORMS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # bytes, shorts, longs and BigTIFF's long longs


@dataclass(frozen=True)
class TiffTags:
    """What a directory says; of a tag that stands there twice the first, which decoders may see otherwise."""

    order: str  # "<" or ">", as `struct` writes it
    values: dict[int, tuple[int, ...]]
    twice: frozenset[int] = frozenset()

    def first(self, tag: int, default: int) -> int:
        """A tag's first number."""
        return self.values.get(tag, (default,))[0]


def read_tags(data: bytes, most: int = 1) -> TiffTags:
    """The directory's tags with up to `most` numbers each; ValueError or struct.error where there is none."""
    order = _ORDERS.get(data[:2])
    if order is None:
        raise ValueError("no TIFF structure")
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in (42, 43):
        raise ValueError("no TIFF structure")
    big = version == 43
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    first, size, head = (at + 8, 20, "HHQ") if big else (at + 2, 12, "HHI")
    values: dict[int, tuple[int, ...]] = {}
    twice: set[int] = set()
    for entry in range(first, min(first + size * count, len(data)), size):
        tag, kind, number = struct.unpack_from(order + head, data, entry)
        form = _FORMS.get(kind)
        if form is None or not number:
            continue
        inside = entry + (12 if big else 8)
        room = 8 if big else 4
        far = struct.calcsize(form) * number > room
        where = struct.unpack_from(order + ("Q" if big else "I"), data, inside)[0] if far else inside
        if tag in values:
            twice.add(tag)
            continue
        values[tag] = struct.unpack_from(f"{order}{min(number, most)}{form}", data, where)
    return TiffTags(order, values, frozenset(twice))
