"""ONNX files in which layers share or lack zero points, with some for each: onnxruntime needs that to sum exactly."""

from __future__ import annotations

import itertools
import math

from .protobuf import Parts, as_varint, changed, length_delimited, message, packed_integers, text

__all__ = ["with_own_zero_points", "with_zero_points"]

_GRAPH = 7  # fields of a ModelProto, a GraphProto, a NodeProto and a TensorProto
_NODE, _INITIALIZER = 1, 5
_INPUT, _OPERATOR = 1, 4
_KIND, _NAME = 2, 8
_DIMS, _RAW = 1, 9
_INT8 = 3
_DEQUANTIZE = "DequantizeLinear"
_PLACES = {_DEQUANTIZE: 2, "QLinearConv": 5, "QLinearMatMul": 5}  # operator → which input zero points are


def with_own_zero_points(model: bytes) -> bytes | None:
    """The file with a copy of signed zero points for each that reads them; None where nobody shares any."""
    parted = b"".join(changed(memoryview(model), {_GRAPH: _graph}))
    return parted if len(parted) > len(model) else None


def with_zero_points(model: bytes) -> bytes:
    """The file with zeros for signed weights that name no zero points: where it makes weights unsigned, onnxruntime
    gives them one for all channels, and then fails as it runs."""
    if _DEQUANTIZE.encode() not in model:
        return model
    said = b"".join(changed(memoryview(model), {_GRAPH: _zeros_said}))
    return said if len(said) > len(model) else model


def _zeros_said(graph: memoryview) -> Parts:
    weights, shapes = _signed(graph), _shapes(graph)
    added: Parts = []

    def node(value: memoryview) -> Parts:
        operator, inputs = _operator_of(value)
        if operator != _DEQUANTIZE or len(inputs) != 2 or inputs[0] not in weights:
            return [value]
        shape = shapes.get(inputs[1], [])
        name, count = f"{inputs[0]}_{len(added)}_zeros".encode(), math.prod(shape)
        if not shape or count > len(graph):  # more scales than there can be
            return [value]
        axes = [part for axis in shape for part in (bytes([_DIMS << 3]), as_varint(axis))]
        zeros: Parts = [*axes, bytes([_KIND << 3, _INT8])]
        zeros += [length_delimited(_NAME, len(name)), name, length_delimited(_RAW, count), bytes(count)]
        added.extend([length_delimited(_INITIALIZER, sum(map(len, zeros))), *zeros])
        return [value, length_delimited(_INPUT, len(name)), name]

    return [*changed(graph, {_NODE: node}), *added]


def _shapes(graph: memoryview) -> dict[str, list[int]]:
    """The initializers' axes, by their names; a single number has none."""
    found: dict[str, list[int]] = {}
    for number, value in message(graph):
        if number == _INITIALIZER and not isinstance(value, int):
            fields = list(message(value))
            axes = [axis for field, each in fields if field == _DIMS for axis in packed_integers(each)]
            found |= {text(each): axes for field, each in fields if field == _NAME}
    return found


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
    operator, inputs = _operator_of(node)
    place = _PLACES.get(operator, len(inputs))
    return (inputs[place] if place < len(inputs) else ""), place


def _operator_of(node: memoryview) -> tuple[str, list[str]]:
    """A node's operator and the names of its inputs."""
    operator, inputs = "", []
    for number, value in message(node):
        if number == _INPUT:
            inputs.append(text(value))
        elif number == _OPERATOR:
            operator = text(value)
    return operator, inputs
