"""The protobuf wire format: fields of a message, as far as reading a model file and filling it in needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .description import FormatError

__all__ = ["Parts", "as_varint", "changed", "length_delimited", "message", "packed_integers", "signed", "spans", "text"]

Value = int | memoryview
Parts = list[bytes | memoryview]  # a message in pieces, which are put together once


def message(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Pairs of field number and value: an integer, or the bytes of a text, a submessage or a fixed-size number."""
    for number, value, _ in spans(data):
        yield number, value


def spans(data: memoryview) -> Iterator[tuple[int, Value, memoryview]]:
    """The same, each with the bytes that the whole field takes."""
    at, end = 0, len(data)
    while at < end:
        start = at
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value, data[start:at]
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise FormatError(f"wire type {kind} at byte {at} is none that is in use")
        if number == 0 or at + size > end:
            raise FormatError(f"a field at byte {at} reaches beyond the end")
        yield number, data[at : at + size], data[start : at + size]
        at += size


def length_delimited(number: int, size: int) -> bytes:
    """What stands before the bytes of a field that holds so many."""
    return as_varint(number << 3 | 2) + as_varint(size)


def changed(data: memoryview, changes: Mapping[int, Callable[[memoryview], Parts]]) -> Parts:
    """A message whose fields of these numbers are made anew; all others stay as they are, byte for byte."""
    parts: Parts = []
    kept = 0  # where what stays as it is begins
    at = 0
    for number, value, span in spans(data):
        at += len(span)
        if number in changes and not isinstance(value, int):
            made = changes[number](value)
            parts += [data[kept : at - len(span)], length_delimited(number, sum(map(len, made))), *made]
            kept = at
    return [*parts, data[kept:]]


def packed_integers(value: Value) -> list[int]:
    """A repeated integer field's part: one number, or several packed into bytes."""
    if isinstance(value, int):
        return [signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(signed(number))
    return numbers


def signed(value: int) -> int:
    """A varint as the 64-bit signed number it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(value: Value) -> str:
    """A text field; bytes that are no UTF-8 are replaced."""
    if isinstance(value, int):
        raise FormatError("a text field holds a number")
    return bytes(value).decode("utf-8", "replace")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise FormatError(f"a number at byte {at} does not end")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def as_varint(value: int) -> bytes:
    """A number from 0 on as the wire has it."""
    coded = bytearray()
    while value > 0x7F:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*coded, value])
