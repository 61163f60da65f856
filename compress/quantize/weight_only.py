"""8-bit weights without calibration: `dynamic` quantizes activations as they come, `weight-only` never."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from edgelens.runtime.engines.telemetry import kept_here

from ..export import onnx as to_onnx
from ..export import tflite as to_tflite
from ..export.artifact import FLOAT_PIXELS, Artifact
from ..export.exported import Exported
from ..host.quiet import quiet
from ..host.scratch import scratch_folder
from .ptq_tflite import run_quantizer
from .ranges import weight_scales

__all__ = ["dynamic_artifacts", "weight_only_artifacts"]

_LAYERS = {"Conv": 0, "Gemm": 0, "MatMul": 1, "GRU": 1, "LSTM": 1, "RNN": 1}
_LEAST_WEIGHTS = 1024  # below this the scales weigh more than the bytes saved


def dynamic_artifacts(exported: Exported) -> list[Artifact]:
    """Files whose activations are quantized as they come."""
    artifacts = []
    if exported.onnx is not None:
        artifacts.append(
            Artifact("onnxruntime", "dynamic", _dynamic_onnx(exported.onnx), FLOAT_PIXELS, exported.outputs)
        )
    if exported.tflite is not None:
        data = run_quantizer(exported.tflite, {}, set(), static=False)
        artifacts.append(Artifact("tflite", "dynamic", to_tflite.with_pixels(data), FLOAT_PIXELS, exported.outputs))
    return artifacts


def weight_only_artifacts(exported: Exported) -> list[Artifact]:
    """Files that store bytes and compute floats."""
    artifacts = []
    if exported.onnx is not None:
        artifacts.append(
            Artifact("onnxruntime", "weight-only", _weight_only_onnx(exported.onnx), FLOAT_PIXELS, exported.outputs)
        )
    if exported.tflite is not None:
        data = run_quantizer(exported.tflite, {}, set(), static=False, weight_only=True)
        artifacts.append(Artifact("tflite", "weight-only", to_tflite.with_pixels(data), FLOAT_PIXELS, exported.outputs))
    return artifacts


def _dynamic_onnx(prepared: Any) -> bytes:
    import onnx

    with scratch_folder() as folder, quiet():
        kept_here()
        from onnxruntime.quantization import QuantType, quantize_dynamic

        target = folder / "dynamic.onnx"
        model = copy.deepcopy(prepared)
        del model.graph.value_info[:]  # the quantizer turns Gemm into MatMul and trips over the shapes it knew
        quantize_dynamic(
            model,
            target,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "LSTM"],  # onnxruntime has no fast dynamic convolution
        )
        return bytes(to_onnx.with_pixels(onnx.load(target)).SerializeToString())


def _weight_only_onnx(prepared: Any) -> bytes:
    from onnx import helper, numpy_helper

    model = to_onnx.with_pixels(prepared)
    graph = model.graph
    weights = {value.name: value for value in graph.initializer}
    nodes = list(graph.node)
    done: set[str] = set()
    for node in list(nodes):
        for name in node.input[1:3] if node.op_type in ("GRU", "LSTM", "RNN") else node.input[1:2]:
            if node.op_type not in _LAYERS or name not in weights or name in done:
                continue
            value = numpy_helper.to_array(weights[name])
            if value.size < _LEAST_WEIGHTS or value.dtype != np.float32:
                continue
            axis = min(_LAYERS[node.op_type], value.ndim - 1)
            scales = weight_scales(np.moveaxis(value, axis, 0))
            wide = scales.reshape([-1 if i == axis else 1 for i in range(value.ndim)])
            counts = np.clip(np.rint(value / wide), -127, 127).astype(np.int8)
            graph.initializer.remove(weights[name])
            graph.initializer.append(numpy_helper.from_array(counts, f"{name}_q"))
            graph.initializer.append(numpy_helper.from_array(scales, f"{name}_scale"))
            # of its own: where onnxruntime makes weights unsigned (x86 without VNNI), it fails where there is none
            graph.initializer.append(numpy_helper.from_array(np.zeros(len(scales), np.int8), f"{name}_zero"))
            parts = [f"{name}_q", f"{name}_scale", f"{name}_zero"]
            taken = helper.make_node("DequantizeLinear", parts, [name], axis=axis)
            nodes.insert(0, taken)
            done.add(name)
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())
