"""8-bit ONNX written straight from ranges: QuantizeLinear and DequantizeLinear around every integer operator.

Activations are uint8 (signed ones lose onnxruntime's fast kernels on x86), weights int8 a channel, biases int32.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..export.onnx import INPUT, PREPARED
from .ranges import PIXELS, Quantized, Range, weight_scales

__all__ = ["quantize_onnx"]

_LAYERS = ("Conv", "Gemm", "MatMul", "ConvTranspose")


def quantize_onnx(prepared: Any, quantized: Quantized, names: dict[str, str]) -> Any:
    """The 8-bit model of a prepared float one; `names` gives the graph's node for each of its values."""
    import onnx

    writer = _Writer(copy.deepcopy(prepared), quantized, names)
    writer.write()
    onnx.checker.check_model(writer.model)
    return writer.model


class _Writer:
    """Rebuilds a model's nodes in order, tensors becoming 8 bits where the plan says so."""

    def __init__(self, model: Any, quantized: Quantized, names: dict[str, str]) -> None:
        from onnx import numpy_helper

        self.model, self.plan, self.quantized, self.names = model, quantized.plan, quantized, names
        self.weights: dict[str, NDArray[Any]] = {
            value.name: numpy_helper.to_array(value) for value in model.graph.initializer
        }
        self.nodes: list[Any] = []
        self.added: dict[str, NDArray[Any]] = {}
        self.dequantized: dict[str, str] = {}  # value → its name after quantizing and dequantizing
        self.eight_bit: dict[str, str] = {}  # float initializer → its dequantized 8-bit twin
        self.scales: dict[str, np.float32] = {}  # dequantized value → its scale
        self.outputs = {value.name for value in model.graph.output}

    def write(self) -> None:
        """Rebuild the graph."""
        body = list(self.model.graph.node)
        moved = self._pixels_first(body)
        for node in body:
            if node is not moved:
                self._node(node)
        self._finish()

    def _pixels_first(self, body: list[Any]) -> Any:
        """The uint8 input: transposed as bytes, then dequantized, which the first layer takes as its own input."""
        from onnx import helper

        first = next((n for n in body if n.op_type == "Transpose" and n.input[0] == PREPARED), None)
        source, result = INPUT, PREPARED
        if first is not None:
            source, result = f"{INPUT}_nchw", first.output[0]
            permutation = next(helper.get_attribute_value(a) for a in first.attribute if a.name == "perm")
            self.nodes.append(helper.make_node("Transpose", [INPUT], [source], name="pixels", perm=permutation))
        self._dequantize(source, f"{result}_dq", PIXELS)
        self.dequantized[result] = f"{result}_dq"
        self.names[result] = self.names.get(result, PREPARED)
        return first

    def _node(self, node: Any) -> None:
        integer = self._computes_in_8_bits(node)
        inputs = [self._input(name, integer=integer) if name else name for name in node.input]
        if integer and node.op_type in _LAYERS:
            inputs[1], scales = self._layer_weights(node, node.input[1])
            if len(inputs) > 2 and node.input[2] in self.weights:
                inputs[2] = self._bias(node.input[2], f"{node.output[0]}_b", self.scales[inputs[0]] * scales)
        rebuilt = copy.deepcopy(node)
        rebuilt.name = ""
        del rebuilt.input[:]
        rebuilt.input.extend(inputs)
        self.nodes.append(rebuilt)
        if integer:
            for result in node.output:
                if self._graph_node(result) in self.plan.points:
                    self._quantize(result)

    def _computes_in_8_bits(self, node: Any) -> bool:
        return any(self._graph_node(result) in self.plan.integer for result in node.output)

    def _graph_node(self, value: str) -> str:
        return self.names.get(value, "")

    def _input(self, name: str, *, integer: bool) -> str:
        """A node's input: 8 bits for integer operators and for whatever was made in 8 bits."""
        if name in self.dequantized:
            return self.dequantized[name]
        if integer and name not in self.weights and self._graph_node(name) in self.plan.points:
            if f"{name}_scale" not in self.added:
                self._quantize(name, keep_float=True)
            return f"{name}_dq"
        return name

    def _quantize(self, name: str, *, keep_float: bool = False) -> None:
        from onnx import helper

        chosen = self.quantized.of(self._graph_node(name))
        scale, zero = self._constants(name, chosen)
        self.nodes.append(helper.make_node("QuantizeLinear", [name, scale, zero], [f"{name}_q"]))
        self._dequantize(f"{name}_q", f"{name}_dq", chosen, (scale, zero))
        if not keep_float:
            self.dequantized[name] = f"{name}_dq"

    def _dequantize(self, source: str, result: str, chosen: Range, constants: tuple[str, str] | None = None) -> None:
        from onnx import helper

        scale, zero = constants or self._constants(source, chosen)
        self.nodes.append(helper.make_node("DequantizeLinear", [source, scale, zero], [result]))
        self.scales[result] = chosen.scale

    def _constants(self, name: str, chosen: Range) -> tuple[str, str]:
        self.added[f"{name}_scale"] = np.asarray(chosen.scale, np.float32)
        self.added[f"{name}_zero"] = np.asarray(chosen.zero_point, np.uint8)
        return f"{name}_scale", f"{name}_zero"

    def _layer_weights(self, node: Any, source: str) -> tuple[str, NDArray[np.float32]]:
        """A layer's weights as int8 a channel, each initializer once, and their scales."""
        weight = self.weights[source]
        axis = 0
        if node.op_type == "MatMul" or (node.op_type == "Gemm" and not _flag(node, "transB")):
            axis = weight.ndim - 1
        scales = weight_scales(np.moveaxis(weight, axis, 0))
        if source not in self.eight_bit:
            wide = scales.reshape([-1 if i == axis else 1 for i in range(weight.ndim)])
            counts = np.clip(np.rint(weight / wide), -127, 127).astype(np.int8)
            name = f"{node.output[0]}_w"
            self.eight_bit[source] = self._constant(name, counts, scales, axis, zeros=f"{name}_zero")
        return self.eight_bit[source], scales

    def _bias(self, source: str, name: str, scales: NDArray[np.float32]) -> str:
        """A layer's bias; equal biases of two layers may be one initializer, their scales are not."""
        limit = 2**31 - 1
        counts = np.clip(np.rint(self.weights[source].astype(np.float64) / scales), -limit, limit)
        zeros = f"zeros_int32_{len(scales)}"
        return self._constant(name, counts.astype(np.int32), scales.astype(np.float32), 0, zeros=zeros)

    def _constant(self, name: str, counts: NDArray[Any], scales: NDArray[np.float32], axis: int, *, zeros: str) -> str:
        """An integer initializer and its DequantizeLinear, with the name of its zero points.

        Biases of one length share them. Weights may not: on x86 without VNNI onnxruntime makes both of a weight
        unsigned, since its signed kernels saturate there, and fails where a second layer has the same zero points.
        """
        from onnx import helper

        self.added[zeros] = np.zeros(len(scales), counts.dtype)
        self.added[f"{name}_q"], self.added[f"{name}_scale"] = counts, scales
        inputs = [f"{name}_q", f"{name}_scale", zeros]
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}_dq"], axis=axis))
        return f"{name}_dq"

    def _finish(self) -> None:
        """Outputs made in 8 bits leave as floats; initializers that nothing reads are dropped."""
        from onnx import TensorProto, helper, numpy_helper

        graph = self.model.graph
        for name in self.outputs & set(self.dequantized):
            self._swap_output(name)
        shape = [axis.dim_param or axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim]
        del graph.input[:], graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
        graph.node.extend(self.nodes)
        used = {name for node in graph.node for name in node.input}
        for name, value in {**self.weights, **self.added}.items():
            if name in used:
                graph.initializer.append(numpy_helper.from_array(value, name))

    def _swap_output(self, name: str) -> None:
        """Give the dequantized value the output's name, and the float before it another."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, value in enumerate(names):
                    if value == name:
                        names[i] = f"{name}_raw"
                    elif value == f"{name}_dq":
                        names[i] = name


def _flag(node: Any, name: str) -> bool:
    return any(attribute.name == name and attribute.i for attribute in node.attribute)
