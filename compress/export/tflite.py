"""Float TFLite: converted once with normalised NHWC floats in, then given the pixel contract by editing the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from edgelens.runtime.errors import EdgelensError, ModelError
from edgelens.runtime.preprocess import PixelContract

from ..host.quiet import quiet
from ..network.graph import example_input
from .flatbuffer_writer import pack_model
from .onnx import INPUT, PREPARED, Nhwc

__all__ = [
    "export_prepared",
    "operators",
    "output_names",
    "read_model",
    "rename_tensors",
    "with_pixels",
    "write_model",
]

FLOAT32, UINT8 = 0, 3  # TensorType


def export_prepared(network: nn.Module, pixels: PixelContract, *, outputs: Sequence[str]) -> bytes:
    """A TFLite model whose input `prepared` is float32 (1, H, W, C) in [-1, 1), tensors with short names."""
    sample = example_input(pixels, batch=1).permute(0, 2, 3, 1).contiguous()
    try:
        with quiet():
            import litert_torch
            from litert_torch.progress import console

            console.quiet = True
            converted = litert_torch.convert(Nhwc(network).eval(), (sample,))
            data = converted.model_content()  # a file that a full disk cuts short would end the process
    except EdgelensError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ModelError(
            f"the network cannot be converted to TFLite: {(lines[0] if lines else type(error).__name__)[:200]}"
        ) from error
    model = read_model(data)
    graph = model.subgraphs[0]
    names = {index: f"t{index}" for index in range(len(graph.tensors))}
    names |= {graph.inputs[0]: PREPARED} | dict(zip(graph.outputs, outputs, strict=True))
    rename_tensors(model, names)
    _name_signature(model, PREPARED, outputs)
    return write_model(model)


def with_pixels(prepared: bytes) -> bytes:
    """The float model of a prepared one: uint8 pixels in, one Cast, one Mul and one Add before the network."""
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(prepared)
    graph = model.subgraphs[0]
    source = graph.inputs[0]
    shape = list(graph.tensors[source].shape)
    image = _add_tensor(model, INPUT, shape, UINT8)
    floats = _add_tensor(model, "pixels_float", shape, FLOAT32)
    scaled = _add_tensor(model, "pixels_scaled", shape, FLOAT32)
    scale = _add_tensor(model, "pixels_scale", [], FLOAT32, np.array(1 / 128, np.float32))
    offset = _add_tensor(model, "pixels_offset", [], FLOAT32, np.array(-1.0, np.float32))
    cast = schema.CastOptionsT()
    cast.inDataType, cast.outDataType = UINT8, FLOAT32
    head = [
        _operator(model, schema.BuiltinOperator.CAST, [image], [floats], schema.BuiltinOptions.CastOptions, cast),
        _operator(
            model, schema.BuiltinOperator.MUL, [floats, scale], [scaled], schema.BuiltinOptions.MulOptions,
            schema.MulOptionsT(),
        ),
        _operator(
            model, schema.BuiltinOperator.ADD, [scaled, offset], [source], schema.BuiltinOptions.AddOptions,
            schema.AddOptionsT(),
        ),
    ]  # fmt: skip
    graph.operators = [*head, *graph.operators]
    graph.inputs = [image]
    _name_signature(model, INPUT, output_names(model))
    return write_model(model)


def read_model(data: bytes) -> Any:
    """A TFLite file as an object tree that can be edited."""
    from ai_edge_litert.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(bytearray(data))


def write_model(model: Any) -> bytes:
    """The file of an object tree."""
    return pack_model(model)


def rename_tensors(model: Any, names: dict[int, str]) -> None:
    """Give tensors of the first subgraph other names, by index."""
    for index, name in names.items():
        model.subgraphs[0].tensors[index].name = name.encode()


def output_names(model: Any) -> list[str]:
    """The outputs of an object tree, in order."""
    graph = model.subgraphs[0]
    return [graph.tensors[i].name.decode() for i in graph.outputs]


def operators(data: bytes) -> list[tuple[str, list[str], list[str]]]:
    """A file's operators as (kind, names in, names out), in order."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = read_model(data)
    graph = model.subgraphs[0]

    def names(indices: Sequence[int]) -> list[str]:
        return [graph.tensors[i].name.decode() for i in indices if i >= 0]

    return [
        (str(flatbuffer_utils.opcode_to_name(model, op.opcodeIndex)), names(op.inputs), names(op.outputs))
        for op in graph.operators
    ]


def _add_tensor(model: Any, name: str, shape: list[int], kind: int, value: Any = None) -> int:
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    if value is not None:
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name.encode(), np.array(shape, np.int32), kind
    tensor.buffer = len(model.buffers) - 1
    tensor.hasRank = True
    graph = model.subgraphs[0]
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(model: Any, code: int, inputs: list[int], outputs: list[int], kind: int, options: Any) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    index = next((i for i, known in enumerate(model.operatorCodes) if known.builtinCode == code), None)
    if index is None:
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        model.operatorCodes.append(entry)
        index = len(model.operatorCodes) - 1
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = index, np.array(inputs, np.int32), np.array(outputs, np.int32)
    op.builtinOptionsType, op.builtinOptions = kind, options
    return op


def _name_signature(model: Any, name: str, outputs: Sequence[str]) -> None:
    """The signature speaks of the tensors by the names that people see."""
    graph = model.subgraphs[0]
    for signature in model.signatureDefs or ():
        signature.inputs[0].name, signature.inputs[0].tensorIndex = name.encode(), graph.inputs[0]
        for entry in signature.outputs:
            entry.name = outputs[list(graph.outputs).index(entry.tensorIndex)].encode()
