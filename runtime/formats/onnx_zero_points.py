"""ONNX files in which layers share zero points, with some for each: onnxruntime needs that to sum 8 bits exactly."""

from __future__ import annotations

from .protobuf import length_delimited, message, spans, text

__all__ = ["with_own_zero_points"]

_GRAPH = 7  # fields of a ModelProto, a GraphProto, a NodeProto and a TensorProto
_NODE, _INITIALIZER = 1, 5
_INPUT, _OPERATOR = 1, 4
_KIND, _NAME = 2, 8
_INT8 = 3
_PLACES = {"DequantizeLinear": 2, "QLinearConv": 5, "QLinearMatMul": 5}  # operator → which input zero points are


def with_own_zero_points(model: bytes) -> bytes | None:
    """The file with a copy of signed zero points for each that reads them; None where nobody shares any."""
    parts: list[bytes | memoryview] = []
    shared = False
    for number, value, whole in spans(memoryview(model)):
        graph = None if number != _GRAPH or isinstance(value, int) else _graph(value)
        if graph is not None:
            shared = True
            parts += [length_delimited(_GRAPH, len(graph)), graph]
        else:
            parts.append(whole)
    return b"".join(parts) if shared else None


def _graph(graph: memoryview) -> bytes | None:
    zeros, taken = _signed(graph), set[str]()
    parts: list[bytes | memoryview] = []
    shared = False
    for number, value, whole in spans(graph):
        parts.append(whole)
        if number != _NODE or isinstance(value, int) or (name := _zero_points(value)) not in zeros:
            continue
        if name in taken:
            shared, own = True, f"{name}_{len(parts)}_own"
            parts[-1] = _field(_NODE, _reading(value, own))
            parts.append(_field(_INITIALIZER, _renamed(zeros[name], own)))
        taken.add(name)
    return b"".join(parts) if shared else None


def _signed(graph: memoryview) -> dict[str, memoryview]:
    """The initializers of signed bytes, by their names."""
    found = {}
    for number, value in message(graph):
        if number == _INITIALIZER and not isinstance(value, int):
            fields = {field: each for field, each in message(value) if field in (_KIND, _NAME)}
            if fields.get(_KIND) == _INT8 and _NAME in fields:
                found[text(fields[_NAME])] = value
    return found


def _zero_points(node: memoryview) -> str:
    """The name of a node's zero points, "" where it has none."""
    operator, inputs = "", []
    for number, value in message(node):
        if number == _INPUT:
            inputs.append(text(value))
        elif number == _OPERATOR:
            operator = text(value)
    place = _PLACES.get(operator, len(inputs))
    return inputs[place] if place < len(inputs) else ""


def _reading(node: memoryview, zeros: str) -> bytes:
    """A node that reads other zero points."""
    operator = next(text(value) for number, value in message(node) if number == _OPERATOR)
    parts: list[bytes | memoryview] = []
    at = 0
    for number, _, whole in spans(node):
        if number == _INPUT and at == _PLACES[operator]:
            parts.append(_field(_INPUT, zeros.encode()))
        else:
            parts.append(whole)
        at += number == _INPUT
    return b"".join(parts)


def _renamed(tensor: memoryview, name: str) -> bytes:
    """An initializer under another name."""
    kept = [whole for number, _, whole in spans(tensor) if number != _NAME]
    return b"".join([*kept, _field(_NAME, name.encode())])


def _field(number: int, data: bytes) -> bytes:
    return length_delimited(number, len(data)) + data
