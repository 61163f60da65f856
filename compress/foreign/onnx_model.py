"""Somebody's ONNX file made fit for quantizing: checked, its opset upgraded, its shapes known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgelens.runtime.engines.telemetry import kept_here
from edgelens.runtime.errors import ModelError
from edgelens.runtime.model.bare import read_model

from ..host.quiet import quiet
from ..host.scratch import scratch_folder

__all__ = ["load_onnx", "prepared_onnx"]

LEAST_OPSET = 13  # below it QuantizeLinear knows no axis: weights could not be quantized a channel
WANTED_OPSET = 17
_IN_8_BITS = frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})


def load_onnx(path: str) -> Any:
    """A checked ModelProto; what is no ONNX, damaged or unknown to onnxruntime is refused in one line."""
    import onnx

    kept_here()
    import onnxruntime as ort

    data, _ = read_model(Path(path))
    try:
        model = onnx.load_from_string(data)
        if not model.graph.node:
            raise ValueError("it has no operators")
    except Exception as error:  # noqa: BLE001 (protobuf raises types of its own for other files)
        raise ModelError(f"{path}: is no ONNX file or is damaged ({_line(error)})") from None
    weights = _weights(model)
    if any(_in_8_bits(node, weights) for node in model.graph.node):
        raise ModelError(f"{path}: is in 8 bits already: `edgelens bundle` wraps it as it is")
    if any(kind == onnx.TensorProto.FLOAT16 for kind in weights.values()):
        raise ModelError(f"{path}: its weights are float16: export it in float32 and compress that")
    try:
        with quiet():
            settings = ort.SessionOptions()
            settings.log_severity_level = 4
            ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 (onnxruntime raises types of its own)
        raise ModelError(f"{path}: onnxruntime cannot run it ({_line(error)})") from None
    return model


def prepared_onnx(model: Any, path: str) -> tuple[Any, tuple[str, ...]]:
    """The model with an opset of 13 or more, folded constants and known shapes; and what had to be done."""
    import onnx
    from onnx import version_converter

    notes: list[str] = []
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    _initializers_as_constants(model)
    if opset < LEAST_OPSET:
        try:
            with quiet():
                model = version_converter.convert_version(model, WANTED_OPSET)
        except Exception as error:
            raise ModelError(
                f"{path}: its opset {opset} cannot be upgraded to {WANTED_OPSET} ({_line(error)}):"
                " export it again with opset 13 or newer"
            ) from error
        notes.append(f"opset {opset} upgraded to {WANTED_OPSET}")
    with scratch_folder() as folder, quiet():
        kept_here()
        from onnxruntime.quantization.shape_inference import quant_pre_process

        source, target = folder / "given.onnx", folder / "prepared.onnx"
        try:
            onnx.save(model, source)  # given a model in memory, it fails on one with a weight that nothing reads
            quant_pre_process(source, target, skip_symbolic_shape=True)
            model = onnx.load(target)
        except Exception:  # noqa: BLE001 (it only makes quantizing better; without it the model is still whole)
            notes.append("onnxruntime's preparation failed on it: quantized as it is")
    return model, tuple(notes)


def _weights(model: Any) -> dict[str, int]:
    """The number format of every weight by its name; old exporters write them as operators that give a constant."""
    kinds = {weight.name: int(weight.data_type) for weight in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            kinds |= {name: int(each.t.data_type) for each in node.attribute for name in node.output}
    return kinds


def _in_8_bits(node: Any, weights: Mapping[str, int]) -> bool:
    """Whether an operator computes in 8 bits, or makes floats of weights that are stored so; pixels may be."""
    if node.op_type == "DequantizeLinear":
        return node.input[0] in weights
    return node.op_type in _IN_8_BITS or node.op_type.startswith("QLinear")


def _initializers_as_constants(model: Any) -> None:
    """Old files list their weights among the inputs too, which keeps every tool from folding them."""
    weights = {value.name for value in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name not in weights]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)
        model.ir_version = max(model.ir_version, 4)


def _line(error: Exception) -> str:
    """An error's first line without the C++ signature that onnxruntime puts before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return re.sub(r"^\[ONNXRuntimeError\][^:]*:[^:]*:[^:]*: *(/\S+ .*\) )?", "", text)[:160]
