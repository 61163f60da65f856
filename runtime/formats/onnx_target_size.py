"""ONNX files that want the photo's size beside the picture, as D-FINE's tools write them: it is put inside."""

from __future__ import annotations

import dataclasses
import struct

from .description import ModelDescription
from .protobuf import changed, length_delimited

__all__ = ["TARGET_SIZE", "with_target_size", "without_target_size"]

TARGET_SIZE = "orig_target_sizes"

_GRAPH, _INITIALIZER = 7, 5  # fields of a ModelProto and a GraphProto
_ONE_ROW_OF_TWO = bytes([1 << 3, 1, 1 << 3, 2])  # fields of a TensorProto: its axes,
_INT64 = bytes([2 << 3, 7])  # its type,
_NAME, _RAW = 8, 9


def without_target_size(file: ModelDescription) -> ModelDescription:
    """The description with the picture alone for an input, where the size stands beside it; else as it is."""
    if file.format != "onnx" or len(file.inputs) != 2:
        return file
    kept = tuple(info for info in file.inputs if (info.name, info.dtype) != (TARGET_SIZE, "int64"))
    return dataclasses.replace(file, inputs=kept)


def with_target_size(model: bytes, width: int, height: int) -> bytes:
    """The file with the size as a weight: boxes come in pixels of a picture that is so large."""
    name, numbers = TARGET_SIZE.encode(), struct.pack("<2q", width, height)
    size = b"".join(
        [
            *(_ONE_ROW_OF_TWO, _INT64),
            *(length_delimited(_NAME, len(name)), name),
            *(length_delimited(_RAW, len(numbers)), numbers),
        ]
    )
    return b"".join(
        changed(memoryview(model), {_GRAPH: lambda graph: [graph, length_delimited(_INITIALIZER, len(size)), size]})
    )
