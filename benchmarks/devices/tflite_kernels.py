"""A kernel as a TFLite file, float, int8 or the older uint8 that no delegate takes, written through its schema."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from kernels import Kernel, Layer
from onnx_kernels import pattern

__all__ = ["build_tflite"]

_OPS = schema.BuiltinOperator
_VERSIONS = {_OPS.CONV_2D: 3, _OPS.DEPTHWISE_CONV_2D: 3, _OPS.FULLY_CONNECTED: 4, _OPS.ADD: 2, _OPS.MUL: 2,
             _OPS.MAX_POOL_2D: 2, _OPS.LOGISTIC: 2, _OPS.MEAN: 2, _OPS.CONCATENATION: 2,
             _OPS.RESIZE_NEAREST_NEIGHBOR: 3}  # fmt: skip


class _Graph:
    def __init__(self, precision: str) -> None:
        self.quantized, self.old = precision != "float32", precision == "uint8"
        self.tensors: list[schema.TensorT] = []
        self.buffers = [schema.BufferT()]
        self.operators: list[schema.OperatorT] = []
        self.codes: list[int] = []
        types = schema.TensorType
        self.dtype = {"float32": types.FLOAT32, "int8": types.INT8, "uint8": types.UINT8}[precision]

    def tensor(self, shape: list[int], scale: float | np.ndarray = 1 / 32, zero: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = f"t{len(self.tensors)}", shape, self.dtype, 0
        if self.quantized:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization.zeroPoint = np.full(len(tensor.quantization.scale), zero + 128 * self.old, np.int64)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, value: np.ndarray, dtype: int, scale: np.ndarray | None = None, axis: int = 0) -> int:
        index = self.tensor(list(value.shape), 1.0 if scale is None else scale)
        tensor = self.tensors[index]
        tensor.type = dtype
        if scale is None:
            tensor.quantization = None
        elif tensor.quantization is not None:
            tensor.quantization.quantizedDimension = axis
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self.buffers.append(buffer)
        tensor.buffer = len(self.buffers) - 1
        return index

    def weights(self, shape: tuple[int, ...], axis: int, count: int) -> tuple[int, int]:
        types = schema.TensorType
        if not self.quantized:
            weight = self.constant(pattern(shape, np.float32, 1e-3), types.FLOAT32)
            return weight, self.constant(np.zeros(count, np.float32), types.FLOAT32)
        if self.old:
            weight = self.constant(
                pattern(shape, np.int8, 1).view(np.uint8) ^ 128, types.UINT8, np.array([1e-3], np.float32)
            )
            bias = self.constant(np.zeros(count, np.int32), types.INT32, np.array([1e-3 / 32], np.float32))
            self.tensors[bias].quantization.zeroPoint = np.zeros(1, np.int64)
            return weight, bias
        scales = np.full(count, 1e-3, np.float32)
        weight = self.constant(pattern(shape, np.int8, 1), types.INT8, scales, axis)
        return weight, self.constant(np.zeros(count, np.int32), types.INT32, scales / 32)

    def operator(self, code: int, inputs: list[int], output: int, options: object = None) -> None:
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = options
        self.operators.append(operator)


def build_tflite(kernel: Kernel, precision: str) -> bytes:
    """The kernel with an NHWC input."""
    graph = _Graph(precision)
    flat = kernel.layers[0].kind == "fc"
    shape = [1, kernel.channels] if flat else [1, kernel.side, kernel.side, kernel.channels]
    values = [graph.tensor(shape)]
    for layer in kernel.layers:
        values.append(_layer(graph, layer, values))
    model, sub = schema.ModelT(), schema.SubGraphT()
    sub.tensors, sub.operators, sub.inputs, sub.outputs = graph.tensors, graph.operators, [0], [values[-1]]
    model.version, model.subgraphs, model.buffers = 3, [sub], graph.buffers
    model.operatorCodes = []
    for code in graph.codes:
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode = code, min(code, 127)
        entry.version = 1 if graph.old else _VERSIONS.get(code, 1)
        model.operatorCodes.append(entry)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _layer(graph: _Graph, layer: Layer, values: list[int]) -> int:
    last = values[-1]
    shape = [int(axis) for axis in graph.tensors[last].shape]
    relu = schema.ActivationFunctionType.RELU if layer.act else schema.ActivationFunctionType.NONE
    none = schema.ActivationFunctionType.NONE
    if layer.kind in ("conv", "dw"):
        return _convolution(graph, layer, last, shape, relu)
    if layer.kind == "fc":
        weight, bias = graph.weights((layer.out, shape[-1]), 0, layer.out)
        options = schema.FullyConnectedOptionsT()
        output = graph.tensor([1, layer.out])
        graph.operator(_OPS.FULLY_CONNECTED, [last, weight, bias], output, options)
    elif layer.kind in ("add", "mul"):
        options = schema.AddOptionsT() if layer.kind == "add" else schema.MulOptionsT()
        options.fusedActivationFunction = none
        output = graph.tensor(shape)
        code = _OPS.ADD if layer.kind == "add" else _OPS.MUL
        graph.operator(code, [last, values[-1 - layer.back]], output, options)
    elif layer.kind == "concat":
        options = schema.ConcatenationOptionsT()
        options.axis, options.fusedActivationFunction = 3, none
        other = values[-1 - layer.back]
        output = graph.tensor([*shape[:3], shape[3] + int(graph.tensors[other].shape[3])])
        graph.operator(_OPS.CONCATENATION, [last, other], output, options)
    elif layer.kind == "pool":
        output = _pool(graph, layer, last, shape)
    elif layer.kind == "mean":
        axes = graph.constant(np.array([1, 2], np.int32), schema.TensorType.INT32)
        options = schema.ReducerOptionsT()
        options.keepDims = True
        output = graph.tensor([1, 1, 1, shape[3]])
        graph.operator(_OPS.MEAN, [last, axes], output, options)
    elif layer.kind == "resize":
        size = graph.constant(np.array([2 * shape[1], 2 * shape[2]], np.int32), schema.TensorType.INT32)
        output = graph.tensor([1, 2 * shape[1], 2 * shape[2], shape[3]])
        graph.operator(_OPS.RESIZE_NEAREST_NEIGHBOR, [last, size], output, schema.ResizeNearestNeighborOptionsT())
    else:
        output = graph.tensor(shape, 1 / 256, -128)
        graph.operator(_OPS.LOGISTIC, [last], output)
    return output


def _convolution(graph: _Graph, layer: Layer, last: int, shape: list[int], relu: int) -> int:
    side = -(-shape[1] // layer.stride)
    channels = shape[3]
    if layer.kind == "conv":
        options, code, out = schema.Conv2DOptionsT(), _OPS.CONV_2D, layer.out
        weight, bias = graph.weights((out, layer.size, layer.size, channels), 0, out)
    else:
        options, code, out = schema.DepthwiseConv2DOptionsT(), _OPS.DEPTHWISE_CONV_2D, channels
        weight, bias = graph.weights((1, layer.size, layer.size, channels), 3, out)
        options.depthMultiplier = 1
    options.padding, options.strideW, options.strideH = schema.Padding.SAME, layer.stride, layer.stride
    options.dilationWFactor = options.dilationHFactor = 1
    options.fusedActivationFunction = relu
    output = graph.tensor([1, side, side, out])
    graph.operator(code, [last, weight, bias], output, options)
    return output


def _pool(graph: _Graph, layer: Layer, last: int, shape: list[int]) -> int:
    options = schema.Pool2DOptionsT()
    options.padding, options.strideW, options.strideH = schema.Padding.SAME, layer.stride, layer.stride
    options.filterWidth = options.filterHeight = layer.size
    side = -(-shape[1] // layer.stride)
    output = graph.tensor([1, side, side, shape[3]])
    graph.operator(_OPS.MAX_POOL_2D, [last], output, options)
    return output
