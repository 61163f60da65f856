"""A gallery's file record by record: each says how long it is and what it must add up to.

4 bytes magic, 1 byte kind, uint32 length of the JSON, uint32 of the vector, uint32 of the picture,
uint32 CRC-32 of all that and of JSON and vector; then JSON, vector (float16), picture (its CRC stands in the JSON)
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

__all__ = ["EXEMPLAR", "HEAD", "MAGIC", "Broken", "Record", "packed", "read_picture", "record_at", "records"]

MAGIC = b"\x89GL\n"
HEAD, EXEMPLAR = 0, 1
_PREFIX = struct.Struct("<4sBIII")
_CRC = struct.Struct("<I")
_START = _PREFIX.size + _CRC.size
MOST_JSON, MOST_VECTOR, MOST_PICTURE = 64 * 1024, 64 * 1024, 1024 * 1024
_STEP = 1 << 20
_FREE, _TIMES = 16 << 20, 4  # bytes that a search may sum up, and how many more for each byte of the file
_LOOK = 1024  # bytes that a beginning counts for, whatever it says of itself


@dataclass(frozen=True)
class Record:
    """One whole record; its picture stays in the file until it is asked for."""

    kind: int
    said: Mapping[str, Any]
    vector: bytes
    start: int  # where it lies in the file
    end: int


@dataclass(frozen=True)
class Broken:
    """Bytes that are no record."""

    start: int
    end: int
    torn: bool  # whether the file ends within it, as where a process died while it wrote


def packed(kind: int, said: Mapping[str, Any], vector: bytes = b"", picture: bytes = b"") -> bytes:
    """A record's bytes."""
    plain = json.dumps({**said, "picture": zlib.crc32(picture)} if picture else dict(said), ensure_ascii=False)
    text = plain.encode("utf-8", "backslashreplace")  # a source's name that is no UTF-8
    prefix = _PREFIX.pack(MAGIC, kind, len(text), len(vector), len(picture))
    return prefix + _CRC.pack(_sum(prefix, text, vector)) + text + vector + picture


def records(stream: IO[bytes], start: int, size: int) -> Iterator[Record | Broken]:
    """What lies between `start` and the end of a file of `size` bytes; what is damaged is passed over and said."""
    at, patience = start, _Patience(_FREE + _TIMES * (size - start))
    while at < size:
        found: Record | Broken | None = record_at(stream, at, size)
        if found is None:
            end = _next_whole(stream, at + 1, size, patience)
            torn = end == size and patience.left >= 0 and _reaches_beyond(stream, at, size)
            found = Broken(at, end, torn)
        yield found
        at = found.end


def record_at(stream: IO[bytes], at: int, size: int) -> Record | None:
    """The whole record that begins there; None where there is none, or it is damaged."""
    stream.seek(at)
    head = stream.read(_START)
    if len(head) < _START or not head.startswith(MAGIC):
        return None
    prefix = head[: _PREFIX.size]
    _, kind, text_bytes, vector_bytes, picture_bytes = _PREFIX.unpack(prefix)
    if not _may_be(text_bytes, vector_bytes, picture_bytes, size - at):
        return None
    end = at + _START + text_bytes + vector_bytes + picture_bytes
    text, vector = stream.read(text_bytes), stream.read(vector_bytes)
    if _sum(prefix, text, vector) != _CRC.unpack(head[_PREFIX.size :])[0]:
        return None
    said = _object(text)
    return None if said is None else Record(kind, said, vector, at, end)


def read_picture(stream: IO[bytes], at: int) -> bytes:
    """The picture of the record that starts at `at`; empty where there is none or it is damaged."""
    stream.seek(at)
    head = stream.read(_START)
    if len(head) < _START:
        return b""
    _, _, text, vector, picture = _PREFIX.unpack(head[: _PREFIX.size])
    if text > MOST_JSON or vector > MOST_VECTOR or picture > MOST_PICTURE:
        return b""
    said = _object(stream.read(text)) or {}
    stream.seek(vector, 1)
    data = stream.read(picture)
    return data if len(data) == picture and said.get("picture") == zlib.crc32(data) else b""


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _reaches_beyond(stream: IO[bytes], at: int, size: int) -> bool:
    """Whether what begins here is a record's beginning whose end the file does not have."""
    stream.seek(at)
    head = stream.read(_START)
    if len(head) < _START:
        return head.startswith(MAGIC) or MAGIC.startswith(head)
    _, _, text, vector, picture = _PREFIX.unpack(head[: _PREFIX.size])
    return head.startswith(MAGIC) and bool(at + _START + text + vector + picture > size)


@dataclass
class _Patience:
    """How many bytes may still be summed up in search of a whole record; below 0 the rest counts as damaged.

    Damage takes few of them. A file that was made of beginnings of records, each of which may be one, takes them all.
    """

    left: int


def _next_whole(stream: IO[bytes], at: int, size: int, patience: _Patience) -> int:
    """Where the next whole record begins, else the end."""
    while at < size:
        stream.seek(at)
        block = stream.read(_STEP + _START - 1)
        place = block.find(MAGIC, 0, _STEP + len(MAGIC) - 1)
        while place >= 0:
            head = block[place : place + _PREFIX.size]
            text, vector, picture = _PREFIX.unpack(head)[2:] if len(head) == _PREFIX.size else (0, 0, size)
            there = _may_be(text, vector, picture, size - at - place)
            patience.left -= _LOOK + (text + vector if there else 0)
            if patience.left < 0:
                return size
            if there and record_at(stream, at + place, size) is not None:
                return at + place
            place = block.find(MAGIC, place + 1, _STEP + len(MAGIC) - 1)
        at += _STEP
    return size


def _may_be(text: int, vector: int, picture: int, room: int) -> bool:
    """Whether a record may have parts so long, and there is so much of the file."""
    fits = text <= MOST_JSON and vector <= MOST_VECTOR and picture <= MOST_PICTURE
    return fits and _START + text + vector + picture <= room


def _sum(*parts: bytes) -> int:
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return found
