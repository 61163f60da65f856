"""ONNX files in which layers share zero points, with some for each: onnxruntime needs that to sum 8 bits exactly."""

from __future__ import annotations

import itertools

from .protobuf import Parts, changed, length_delimited, message, text

__all__ = ["with_own_zero_points"]

_GRAPH = 7  # fields of a ModelProto, a GraphProto, a NodeProto and a TensorProto
_NODE, _INITIALIZER = 1, 5
_INPUT, _OPERATOR = 1, 4
_KIND, _NAME = 2, 8
_INT8 = 3
_PLACES = {"DequantizeLinear": 2, "QLinearConv": 5, "QLinearMatMul": 5}  # operator → which input zero points are


def with_own_zero_points(model: bytes) -> bytes | None:
    """The file with a copy of signed zero points for each that reads them; None where nobody shares any."""
    parted = b"".join(changed(memoryview(model), {_GRAPH: _graph}))
    return parted if len(parted) > len(model) else None


def _graph(graph: memoryview) -> Parts:
    zeros, taken = _signed(graph), set[str]()
    added: Parts = []

    def node(value: memoryview) -> Parts:
        name, place = _zero_points(value)
        if name not in zeros or name not in taken:
            taken.add(name)
            return [value]
        own = f"{name}_{len(added)}_own".encode()
        copied = changed(zeros[name], {_NAME: lambda _: [own]})
        added.extend([length_delimited(_INITIALIZER, sum(map(len, copied))), *copied])
        at = itertools.count()
        return changed(value, {_INPUT: lambda read: [own if next(at) == place else read]})

    return [*changed(graph, {_NODE: node}), *added]


def _signed(graph: memoryview) -> dict[str, memoryview]:
    """The initializers of signed bytes, by their names."""
    found = {}
    for number, value in message(graph):
        if number == _INITIALIZER and not isinstance(value, int):
            fields = {field: each for field, each in message(value) if field in (_KIND, _NAME)}
            if fields.get(_KIND) == _INT8 and _NAME in fields:
                found[text(fields[_NAME])] = value
    return found


def _zero_points(node: memoryview) -> tuple[str, int]:
    """The name of a node's zero points, "" where it has none, and which of its inputs they are."""
    operator, inputs = "", []
    for number, value in message(node):
        if number == _INPUT:
            inputs.append(text(value))
        elif number == _OPERATOR:
            operator = text(value)
    place = _PLACES.get(operator, len(inputs))
    return (inputs[place] if place < len(inputs) else ""), place
