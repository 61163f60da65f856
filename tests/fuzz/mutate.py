"""Good input made odd: bytes flipped, cut, doubled and swapped for what breaks readers."""

from __future__ import annotations

import random

__all__ = ["mutated"]

ODD = (
    b"", b"\0", b"\xff", b"\r", b"\n", b"\r\n", b"\x1b[2J", b"'", b'"', b"\\", b";", b"%", b"/../", b"=", b"-1", b"0",
    b"1e999", b"NaN", b"2147483648", b"18446744073709551616", b"9" * 400, b"\xff\xff\xff\x7f",
    b"\xf0\x9f\x92\xa5", b"\xed\xa0\x80", b"\xe2\x80\xae",
)  # fmt: skip


def mutated(chance: random.Random, data: bytes, *, most: int = 8) -> bytes:
    """The data with one to `most` changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, most)):
        chance.choice(_CHANGES)(chance, changed)
    return bytes(changed)


def _flip(chance: random.Random, data: bytearray) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _cut(chance: random.Random, data: bytearray) -> None:
    start, end = _span(chance, data)
    del data[start:end]


def _double(chance: random.Random, data: bytearray) -> None:
    start, end = _span(chance, data)
    at = chance.randint(0, len(data))
    data[at:at] = data[start:end] * chance.choice((1, 1, 2, 20))


def _odd(chance: random.Random, data: bytearray) -> None:
    at = chance.randint(0, len(data))
    data[at : at + chance.choice((0, 1, 4))] = chance.choice(ODD)


def _end(chance: random.Random, data: bytearray) -> None:
    del data[chance.randint(0, len(data)) :]


def _span(chance: random.Random, data: bytearray) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, start + chance.choice((1, 2, 8, 64, 1024))


_CHANGES = (_flip, _flip, _flip, _cut, _double, _odd, _odd, _end)
