"""A .tflite file read from its bytes: inputs, outputs, operators, metadata and embedded label files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from .description import FormatError, ModelDescription, Operator
from .flatbuffer import Table, root
from .tensor import TensorInfo
from .tflite_operators import BUILTIN_OPERATORS

__all__ = ["read_tflite"]

_ZIP_END, _ZIP_END_WITHIN = b"PK\x05\x06", 70_000

# TensorType: name and bits
_DTYPES = (
    ("float32", 32),
    ("float16", 16),
    ("int32", 32),
    ("uint8", 8),
    ("int64", 64),
    ("string", 0),
    ("bool", 8),
    ("int16", 16),
    ("complex64", 64),
    ("int8", 8),
    ("float64", 64),
    ("complex128", 128),
    ("uint64", 64),
    ("resource", 0),
    ("variant", 0),
    ("uint32", 32),
    ("uint16", 16),
    ("int4", 4),
    ("bfloat16", 16),
    ("int2", 2),
)


def read_tflite(data: bytes) -> ModelDescription:
    """What a .tflite file says of itself."""
    model = root(data, b"TFL3")
    graphs = model.tables(2)
    if not graphs:
        raise FormatError("it holds no graph")
    graph = graphs[0]
    tensors = graph.tables(0)
    infos = [_tensor_info(tensor) for tensor in tensors]
    kinds = _kinds(model)
    operators = tuple(_operator(operator, kinds, infos) for operator in graph.tables(3))
    file = ModelDescription(
        format="tflite",
        engine="tflite",
        inputs=tuple(_pick(infos, index) for index in graph.array(1, "i4")),
        outputs=tuple(_pick(infos, index) for index in graph.array(2, "i4")),
        operators=operators,
        version=f"schema {model.number(0, 'I')}",
        description=model.text(3),
        shapes={info.name: info.shape for info in infos},
        weights=_weights(model, tensors, infos),
    )
    return _with_extras(file, model, data)


def _pick(infos: list[TensorInfo], index: int) -> TensorInfo:
    if not 0 <= index < len(infos):
        raise FormatError(f"tensor {index} is not there")
    return infos[index]


def _tensor_info(tensor: Table) -> TensorInfo:
    shape = tensor.array(7, "i4") if len(tensor.array(7, "i4")) else tensor.array(0, "i4")
    code = tensor.number(1, "b")
    dtype = _DTYPES[code][0] if 0 <= code < len(_DTYPES) else "other"
    scale, zero_point = None, 0
    quantization = tensor.table(4)
    if quantization is not None and len(quantization.array(2, "f4")) == 1:
        scale = float(quantization.array(2, "f4")[0]) or None
        zero_points = quantization.array(3, "i8")
        zero_point = int(zero_points[0]) if len(zero_points) else 0
    return TensorInfo(tensor.text(3), tuple(int(n) if n > 0 else None for n in shape), dtype, scale, zero_point)


def _kinds(model: Table) -> list[str]:
    kinds = []
    for code in model.tables(1):
        number = max(code.number(0, "b"), code.number(3, "i"))
        custom = code.text(1)
        known = 0 <= number < len(BUILTIN_OPERATORS)
        kinds.append(custom or (BUILTIN_OPERATORS[number] if known else f"operator {number}"))
    return kinds


def _operator(operator: Table, kinds: list[str], infos: list[TensorInfo]) -> Operator:
    index = operator.number(0, "I")
    if index >= len(kinds):
        raise FormatError(f"operator code {index} is not there")
    inputs, outputs = (tuple(_pick(infos, i).name for i in operator.array(field, "i4") if i >= 0) for field in (1, 2))
    return Operator(kinds[index], inputs, outputs)


def _weights(model: Table, tensors: list[Table], infos: list[TensorInfo]) -> dict[str, int]:
    """Bytes of constants by dtype; a buffer may lie in the table or, in files past 2 GB, behind it."""
    sizes = [max(len(buffer.array(0, "u1")), buffer.number(2, "Q")) for buffer in model.tables(4)]
    weights: Counter[str] = Counter()
    seen: set[int] = set()
    for tensor, info in zip(tensors, infos, strict=True):
        index = tensor.number(2, "I")
        if index not in seen and 0 < index < len(sizes) and sizes[index]:
            weights[info.dtype] += sizes[index]
            seen.add(index)
    return dict(weights)


def _with_extras(file: ModelDescription, model: Table, data: bytes) -> ModelDescription:
    """Metadata and appended files; most models have neither, and start sooner without their reader."""
    buffers = model.tables(4)
    blobs = {}
    for entry in model.tables(6):
        index = entry.number(1, "I")
        if index < len(buffers):
            blobs[entry.text(0)] = buffers[index].array(0, "u1").tobytes()
    if "TFLITE_METADATA" not in blobs and _ZIP_END not in data[-_ZIP_END_WITHIN:]:
        return file
    from .tflite_metadata import read_extras

    extras = read_extras(blobs, data)
    return replace(file, metadata=extras.metadata, labels=extras.labels, mean=extras.mean, std=extras.std)
