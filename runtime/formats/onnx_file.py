"""An .onnx file read from its bytes: inputs, outputs, operators, metadata; weights are passed over, not copied."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .description import FormatError, ModelDescription, Operator
from .protobuf import Value, message, packed_integers, signed, text
from .tensor import TensorInfo

__all__ = ["read_onnx"]

# TensorProto.DataType: name and bits
_DTYPES = {
    1: ("float32", 32),
    2: ("uint8", 8),
    3: ("int8", 8),
    4: ("uint16", 16),
    5: ("int16", 16),
    6: ("int32", 32),
    7: ("int64", 64),
    8: ("string", 0),
    9: ("bool", 8),
    10: ("float16", 16),
    11: ("float64", 64),
    12: ("uint32", 32),
    13: ("uint64", 64),
    16: ("bfloat16", 16),
    17: ("float8e4m3fn", 8),
    21: ("uint4", 4),
    22: ("int4", 4),
}


@dataclass
class _Graph:
    inputs: list[TensorInfo] = field(default_factory=list)
    outputs: list[TensorInfo] = field(default_factory=list)
    inner: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    weights: Counter[str] = field(default_factory=Counter)
    initializers: set[str] = field(default_factory=set)
    external: set[str] = field(default_factory=set)
    scalars: dict[str, float] = field(default_factory=dict)  # single numbers, such as scales and zero points


def read_onnx(data: bytes) -> ModelDescription:
    """What an .onnx file says of itself."""
    graph: _Graph | None = None
    opsets: list[str] = []
    metadata: dict[str, str] = {}
    texts = {2: "", 3: "", 6: ""}
    ir_version = 0
    for number, value in message(memoryview(data)):
        if number == 1 and isinstance(value, int):
            ir_version = value
        elif number in texts:
            texts[number] = text(value)
        elif number == 7:
            graph = _graph(_bytes(value))
        elif number == 8:
            opsets.append(_opset(_bytes(value)))
        elif number == 14:
            key, entry = _pair(_bytes(value))
            metadata[key] = entry
    if graph is None or not graph.outputs:
        raise FormatError("it holds no graph with outputs")
    return ModelDescription(
        format="onnx",
        engine="onnxruntime",
        inputs=tuple(_quantized(info, graph) for info in graph.inputs if info.name not in graph.initializers),
        outputs=tuple(graph.outputs),
        operators=tuple(graph.operators),
        version=f"opset {', '.join(opsets) or '?'}, IR {ir_version}",
        producer=f"{texts[2]} {texts[3]}".strip(),
        description=texts[6],
        metadata=metadata,
        shapes=graph.inner,
        weights=dict(graph.weights),
        external=tuple(sorted(graph.external)),
    )


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise FormatError("a number stands where a message should")
    return value


def _graph(data: memoryview) -> _Graph:
    graph = _Graph()
    for number, value in message(data):
        if number == 1:
            graph.operators.append(_operator(_bytes(value), graph))
        elif number == 5:
            _add_weights(_bytes(value), graph)
        elif number == 11:
            graph.inputs.append(_tensor_info(_bytes(value)))
        elif number == 12:
            graph.outputs.append(_tensor_info(_bytes(value)))
        elif number == 13:
            info = _tensor_info(_bytes(value))
            graph.inner[info.name] = info.shape
    return graph


def _quantized(info: TensorInfo, graph: _Graph) -> TensorInfo:
    """An integer input with the scale and zero point that its one reader, a DequantizeLinear, has for it."""
    readers = [operator for operator in graph.operators if info.name in operator.inputs]
    if info.dtype not in ("uint8", "int8") or len(readers) != 1 or readers[0].kind != "DequantizeLinear":
        return info
    scale, zero = (*readers[0].inputs, "", "", "")[1:3]
    if graph.scalars.get(scale, 0) <= 0 or (zero and zero not in graph.scalars):
        return info
    return replace(info, scale=graph.scalars[scale], zero_point=int(graph.scalars.get(zero, 0)))


def _operator(data: memoryview, graph: _Graph) -> Operator:
    inputs, outputs, kind, domain = [], [], "", ""
    for number, value in message(data):
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            outputs.append(text(value))
        elif number == 4:
            kind = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5 and kind == "Constant":
            for inner, part in message(_bytes(value)):
                if inner == 5:  # an attribute's tensor
                    _add_weights(_bytes(part), graph)
    return Operator(f"{domain}.{kind}" if domain not in ("", "ai.onnx") else kind, tuple(inputs), tuple(outputs))


def _add_weights(data: memoryview, graph: _Graph) -> None:
    shape: list[int] = []
    dtype, name = 0, ""
    own: dict[int, Value] = {}
    for number, value in message(data):
        if number == 1:
            shape += packed_integers(value)
        elif number in (4, 5, 9):
            own[number] = value
        elif number == 2 and isinstance(value, int):
            dtype = value
        elif number == 8:
            name = text(value)
        elif number == 13:
            key, entry = _pair(_bytes(value))
            if key == "location":
                graph.external.add(entry)
    count = 1
    for axis in shape:
        count *= max(axis, 0)
    kind, bits = _DTYPES.get(dtype, ("other", 8))
    graph.weights[kind] += count * bits // 8
    graph.initializers.add(name)
    graph.inner[name] = tuple(shape)
    if count == 1 and (single := _scalar(kind, own)) is not None:
        graph.scalars[name] = single


def _scalar(kind: str, own: Mapping[int, Value]) -> float | None:
    """A tensor's one number, from its raw bytes (9) or from those of its type: floats (4) or integers (5)."""
    form = {"float32": "<f", "uint8": "<B", "int8": "<b"}.get(kind)
    raw, floats, integers = own.get(9), own.get(4), own.get(5)
    if form is None:
        return None
    if isinstance(raw, memoryview) and len(raw) == struct.calcsize(form):
        number = float(struct.unpack(form, raw)[0])
    elif kind == "float32" and isinstance(floats, memoryview) and len(floats) == 4:
        number = float(struct.unpack("<f", floats)[0])
    elif kind != "float32" and integers is not None:
        number = float((packed_integers(integers) or [0])[0])
    else:
        return None
    return number if math.isfinite(number) else None


def _tensor_info(data: memoryview) -> TensorInfo:
    name, dtype = "", "other"
    shape: tuple[int | None, ...] = ()
    for number, value in message(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            for kind, part in message(_bytes(value)):
                if kind == 1:  # a tensor, not a sequence or a map
                    dtype, shape = _tensor_type(_bytes(part))
    return TensorInfo(name, shape, dtype)


def _tensor_type(data: memoryview) -> tuple[str, tuple[int | None, ...]]:
    dtype = "other"
    shape: list[int | None] = []
    for number, value in message(data):
        if number == 1 and isinstance(value, int):
            dtype = _DTYPES.get(value, ("other", 0))[0]
        elif number == 2:
            shape = [_axis(_bytes(axis)) for kind, axis in message(_bytes(value)) if kind == 1]
    return dtype, tuple(shape)


def _axis(data: memoryview) -> int | None:
    for number, value in message(data):
        if number == 1 and isinstance(value, int) and signed(value) > 0:
            return value
    return None


def _opset(data: memoryview) -> str:
    domain, version = "", 0
    for number, value in message(data):
        if number == 1:
            domain = text(value)
        elif number == 2 and isinstance(value, int):
            version = value
    return f"{domain} {version}".strip()


def _pair(data: memoryview) -> tuple[str, str]:
    parts = {1: "", 2: ""}
    for number, value in message(data):
        if number in parts:
            parts[number] = text(value)
    return parts[1], parts[2]
