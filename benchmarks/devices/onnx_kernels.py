"""A kernel as an ONNX file, float or QDQ int8."""

from __future__ import annotations

import numpy as np
import onnx
from kernels import Kernel, Layer
from onnx import TensorProto, helper, numpy_helper

__all__ = ["build_onnx"]

_SCALE, _ZERO = np.float32(1 / 32), np.uint8(128)


def pattern(shape: tuple[int, ...], dtype: type, spread: float) -> np.ndarray:
    """Values that repeat, so that the file compresses to almost nothing."""
    base = ((np.arange(int(np.prod(shape))) * 37) % 61 - 30).reshape(shape)
    return (base * spread).astype(dtype)


class _Graph:
    def __init__(self, quantized: bool) -> None:
        self.quantized, self.plain = quantized, False
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def dequantized(self, name: str, zero: str = "zero") -> str:
        return self.node("DequantizeLinear", [name, "scale", zero]) if self.quantized else name

    def value(self, name: str) -> str:
        """An activation as the next layer takes it: through a quantizer, where there is one."""
        if not self.quantized:
            return name
        # after a Relu the range starts at 0, or onnxruntime leaves the convolution in float
        zero = "bottom" if name.startswith("relu") else "zero"
        return self.dequantized(self.node("QuantizeLinear", [name, "scale", zero]), zero)

    def weight(self, shape: tuple[int, ...], axis: int) -> str:
        name = f"w{len(self.weights)}"
        if not self.quantized:
            return self.constant(name, pattern(shape, np.float32, 1e-3))
        self.constant(name, pattern(shape, np.int8, 1))
        self.constant(f"{name}s", np.full(shape[axis], 1e-3, np.float32))
        self.constant(f"{name}z", np.zeros(shape[axis], np.int8))
        return self.node("DequantizeLinear", [name, f"{name}s", f"{name}z"], axis=axis)

    def bias(self, count: int) -> str:
        name = f"b{len(self.weights)}"
        if not self.quantized:
            return self.constant(name, np.zeros(count, np.float32))
        self.constant(name, np.zeros(count, np.int32))  # in integers, or onnxruntime leaves the convolution in float
        self.constant(f"{name}s", np.full(count, 1e-3 * _SCALE, np.float32))
        self.constant(f"{name}z", np.zeros(count, np.int32))
        return self.node("DequantizeLinear", [name, f"{name}s", f"{name}z"], axis=0)


def build_onnx(kernel: Kernel, precision: str) -> bytes:
    """The kernel with an NCHW input; the weights of "plain" may be overridden, so that nothing is fused or blocked."""
    int8, plain = precision == "int8", precision == "plain"
    graph = _Graph(int8)
    graph.plain = plain
    if int8:
        graph.constant("scale", np.array(_SCALE))
        graph.constant("zero", np.array(_ZERO))
        graph.constant("bottom", np.array(np.uint8(0)))
    shape = [1, kernel.channels] + [kernel.side] * 2
    flat = kernel.layers[0].kind == "fc"
    shape = shape[:2] if flat else shape
    values, channels = [graph.dequantized("image")], [kernel.channels]
    for layer in kernel.layers:
        name, count = _layer(graph, layer, values, channels)
        values.append(graph.value(name))
        channels.append(count)
    graph.node("Identity", [values[-1]])
    graph.nodes[-1].output[0] = "out"
    kind = TensorProto.UINT8 if int8 else TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            kernel.name,
            [
                helper.make_tensor_value_info("image", kind, shape),
                *(helper.make_tensor_value_info(w.name, w.data_type, w.dims) for w in graph.weights if plain),
            ],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return bytes(model.SerializeToString())


def _layer(graph: _Graph, layer: Layer, values: list[str], channels: list[int]) -> tuple[str, int]:
    last, count = values[-1], channels[-1]
    pads, window = [layer.size // 2] * 4, [layer.size] * 2
    strides = [layer.stride] * 2
    if layer.kind in ("conv", "dw"):
        out, groups = (layer.out, 1) if layer.kind == "conv" else (count, count)
        weight = graph.weight((out, count // groups, *window), 0)
        name = graph.node("Conv", [last, weight, graph.bias(out)], pads=pads, strides=strides, group=groups,
                          kernel_shape=window)  # fmt: skip
        if graph.plain:
            scales = [graph.constant(f"n{i}_{len(graph.weights)}", np.ones(out, np.float32)) for i in range(4)]
            name = graph.node("BatchNormalization", [name, *scales])
        return (graph.node("Relu", [name]) if layer.act else name), out
    if layer.kind == "fc":
        return graph.node("Gemm", [last, graph.weight((count, layer.out), 1), graph.bias(layer.out)]), layer.out
    if layer.kind in ("add", "mul"):
        return graph.node(layer.kind.capitalize(), [last, values[-1 - layer.back]]), count
    if layer.kind == "concat":
        return graph.node("Concat", [last, values[-1 - layer.back]], axis=1), count + channels[-1 - layer.back]
    if layer.kind == "pool":
        low = (layer.size - 1) // 2
        return graph.node("MaxPool", [last], kernel_shape=window, strides=strides, pads=[low] * 2 + pads[:2]), count
    if layer.kind == "mean":
        return graph.node("GlobalAveragePool", [last]), count
    if layer.kind == "resize":
        sizes = graph.constant(f"r{len(graph.weights)}", np.array([1, 1, 2, 2], np.float32))
        return graph.node("Resize", [last, "", sizes], mode="nearest", nearest_mode="floor",
                          coordinate_transformation_mode="asymmetric"), count  # fmt: skip
    return graph.node("Sigmoid", [last]), count
