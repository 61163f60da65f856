"""An .onnx file whose weights lie in files beside it, as torch exports it unless told otherwise, made one file."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from ..errors import ModelError
from .description import FormatError
from .protobuf import Parts, changed, length_delimited, message, spans, text

__all__ = ["with_weights"]

Read = Callable[[str, int, int | None], bytes]  # a file's name, the first byte, how many

_DEEPEST = 32  # graphs within graphs
_MOST_BYTES = 2 * 1024**3  # what one protobuf message may hold
_AGAIN = 2  # how often over the files beside a model may be read: weights that are tied are named twice
_FEW = 1 << 20  # bytes that may be read whatever is there


def with_weights(data: bytes, path: Path) -> bytes:
    """The model at `path` with every weight inside; `data` is what the .onnx file itself holds."""
    beside = _Beside(path)
    try:
        return b"".join(changed(memoryview(data), {7: lambda graph: _graph(graph, beside.read, _DEEPEST)}))
    except FormatError as error:
        raise ModelError(f"{path}: is no onnx file or is damaged ({error})") from None


class _Beside:
    """The files beside a model; what is read of them in all is in proportion to what is there."""

    def __init__(self, path: Path) -> None:
        self._path, self._folder = path, path.parent.resolve()
        self._sizes: dict[Path, int] = {}
        self._read = 0

    def read(self, name: str, start: int, count: int | None) -> bytes:
        """So many bytes of a file, all that is left unless said."""
        try:
            place = (self._folder / name).resolve()
            if not place.is_relative_to(self._folder):
                raise ModelError(
                    f"{self._path}: keeps its weights in {name!r}, outside its folder: save the model as one file"
                )
            status = place.stat()
            if not stat.S_ISREG(status.st_mode):
                raise ModelError(f"{self._path}: its weights are in {name!r}, which is no regular file")
            self._sizes[place] = status.st_size
            wanted = max(status.st_size - start, 0) if count is None else count
            self._count(name, wanted)
            if start + wanted > status.st_size:
                raise ModelError(f"{self._path}: {name!r} beside it ends before its weights do: copy it again")
            with place.open("rb") as file:
                file.seek(start)
                return file.read(wanted)
        except (OSError, ValueError, OverflowError) as error:  # a NUL in a name is a ValueError
            problem = getattr(error, "strerror", None) or error
            raise ModelError(
                f"{self._path}: its weights are in {name!r}, which must lie beside it ({problem})"
            ) from None

    def _count(self, name: str, wanted: int) -> None:
        self._read += wanted
        if self._read > min(_AGAIN * sum(self._sizes.values()) + _FEW, _MOST_BYTES):
            raise ModelError(f"{self._path}: names the weights in {name!r} again and again: no exporter does so")


def _graph(data: memoryview, read: Read, deeper: int) -> Parts:
    if not deeper:
        raise FormatError(f"its graphs lie more than {_DEEPEST} deep in each other")

    def tensor(part: memoryview) -> Parts:
        return _tensor(part, read)

    def attribute(part: memoryview) -> Parts:  # a Constant's tensor, or an If's or a Loop's graph
        return changed(part, {5: tensor, 6: lambda inner: _graph(inner, read, deeper - 1)})

    return changed(data, {1: lambda node: changed(node, {5: attribute}), 5: tensor})


def _tensor(data: memoryview, read: Read) -> Parts:
    """A tensor with its bytes in raw_data (9) in place of the entries that tell where they lie (13, 14)."""
    said: dict[str, str] = {}
    own: Parts = []
    for number, value, span in spans(data):
        if number == 13 and not isinstance(value, int):
            parts = {field: text(entry) for field, entry in message(value)}
            said[parts.get(1, "")] = parts.get(2, "")
        elif number != 14:
            own.append(span)
    if "location" not in said:
        return [data]
    start, count = _number(said.get("offset", "0")), _number(said["length"]) if "length" in said else None
    weights = read(said["location"], start, count)
    return [*own, length_delimited(9, len(weights)), weights]


def _number(said: str) -> int:
    if not (said.isascii() and said.isdigit() and len(said) < 20):
        raise FormatError("a weight's place in another file is no number from 0 on")
    return int(said)
