"""An .onnx file whose weights lie in files beside it, as torch exports it unless told otherwise, made one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import ModelError
from .description import FormatError
from .protobuf import length_delimited, message, spans, text

__all__ = ["with_weights"]

Read = Callable[[str, int, int | None], bytes]  # a file's name, the first byte, how many


def with_weights(data: bytes, path: Path) -> bytes:
    """The model at `path` with every weight inside; `data` is what the .onnx file itself holds."""

    def read(name: str, start: int, count: int | None) -> bytes:
        part = _read(path, name, start, count)
        if count is not None and len(part) < count:
            raise ModelError(f"{path}: {name!r} beside it ends before its weights do: copy it again")
        return part

    try:
        return _changed(memoryview(data), {7: lambda graph: _graph(graph, read)})
    except FormatError as error:
        raise ModelError(f"{path}: is no onnx file or is damaged ({error})") from None


def _read(path: Path, name: str, start: int, count: int | None) -> bytes:
    folder = path.parent.resolve()
    try:
        place = (folder / name).resolve()
        if not place.is_relative_to(folder):
            raise ModelError(f"{path}: keeps its weights in {name!r}, outside its folder: save the model as one file")
        with place.open("rb") as file:
            file.seek(start)
            return file.read() if count is None else file.read(count)
    except (OSError, ValueError) as error:  # a NUL in a name is a ValueError
        problem = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: its weights are in {name!r}, which must lie beside it ({problem})") from None


def _graph(data: memoryview, read: Read) -> bytes:
    def tensor(part: memoryview) -> bytes:
        return _tensor(part, read)

    def attribute(part: memoryview) -> bytes:  # a Constant's tensor, or an If's or a Loop's graph
        return _changed(part, {5: tensor, 6: lambda inner: _graph(inner, read)})

    return _changed(data, {1: lambda node: _changed(node, {5: attribute}), 5: tensor})


def _tensor(data: memoryview, read: Read) -> bytes:
    """A tensor with its bytes in raw_data (9) in place of the entries that tell where they lie (13, 14)."""
    said: dict[str, str] = {}
    own = bytearray()
    for number, value, span in spans(data):
        if number == 13 and not isinstance(value, int):
            parts = {field: text(entry) for field, entry in message(value)}
            said[parts.get(1, "")] = parts.get(2, "")
        elif number != 14:
            own += span
    if "location" not in said:
        return bytes(data)
    try:
        start, count = int(said.get("offset", "0")), int(said["length"]) if "length" in said else None
    except ValueError:
        raise FormatError("a weight's place in another file is no number") from None
    if start < 0 or (count is not None and count < 0):
        raise FormatError("a weight's place in another file is below 0")
    return bytes(own) + length_delimited(9, read(said["location"], start, count))


def _changed(data: memoryview, changes: dict[int, Callable[[memoryview], bytes]]) -> bytes:
    """A message whose fields of these numbers are made anew; all others stay as they are, byte for byte."""
    parts: list[bytes | memoryview] = []
    for number, value, span in spans(data):
        if number in changes and not isinstance(value, int):
            parts.append(length_delimited(number, changes[number](value)))
        else:
            parts.append(span)
    return b"".join(parts)
