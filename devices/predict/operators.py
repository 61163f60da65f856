"""A model file as the list of operators that cost time: multiply-adds, bytes moved, and what kind of work it is."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgelens.runtime.engines.telemetry import kept_here
from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.catalog import describe

__all__ = ["Op", "operators_of"]


@dataclass(frozen=True)
class Op:
    """One operator; `work` is what cost models tell apart."""

    name: str
    kind: str  # the engine's or format's own name
    work: str  # conv, pointwise, depthwise, pool (or "plain" ones), dense, elementwise, curve, reduce, move, free
    macs: float = 0.0
    moved_bytes: float = 0.0  # activations in and out
    weight_bytes: float = 0.0
    pixels: float = 0.0  # output positions
    window: float = 1.0  # kernel height × width
    c_in: float = 1.0
    c_out: float = 1.0


_WORK = {
    "elementwise": "ADD MUL SUB DIV RELU RELU6 MAXIMUM MINIMUM PRELU LEAKY_RELU LEAKYRELU CLIP QLINEARADD QLINEARMUL"
    " BATCHNORMALIZATION QUANTIZE DEQUANTIZE QUANTIZELINEAR DEQUANTIZELINEAR CAST NEG ABS SQRT ADDN SUM",
    "curve": "LOGISTIC SIGMOID TANH SOFTMAX EXP HARD_SWISH HARDSWISH HARDSIGMOID GELU ERF POW LOG RSQRT QLINEARSIGMOID"
    " QUICKGELU ELU SILU QLINEARSOFTMAX LAYERNORMALIZATION",
    "pool": "MAX_POOL_2D AVERAGE_POOL_2D MAXPOOL AVERAGEPOOL QLINEARAVERAGEPOOL NHWCMAXPOOL",
    "reduce": "MEAN REDUCEMEAN GLOBALAVERAGEPOOL QLINEARGLOBALAVERAGEPOOL REDUCE_MAX REDUCESUM REDUCEMAX SUM_REDUCE"
    " ARG_MAX ARGMAX",
}
_KIND_TO_WORK = {kind: work for work, kinds in _WORK.items() for kind in kinds.split()}
_CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D", "CONV", "FUSEDCONV", "QLINEARCONV", "NHWCFUSEDCONV", "CONVINTEGER",
                 "TRANSPOSE_CONV", "CONVTRANSPOSE"}  # fmt: skip
_PRODUCTS = {"FULLY_CONNECTED", "GEMM", "MATMUL", "FUSEDMATMUL", "QGEMM", "QLINEARMATMUL", "MATMULINTEGER",
             "BATCH_MATMUL", "FUSEDGEMM"}  # fmt: skip
_FREE = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "UNSQUEEZE", "FLATTEN", "IDENTITY", "SHAPE", "CONSTANT"}
_BYTES = {"float": 4, "float32": 4, "float16": 2, "double": 8, "int64": 8, "int32": 4}


def operators_of(data: bytes, name: str, engine: str, shape: Sequence[int] = ()) -> list[Op]:
    """The operators of a model file; onnxruntime is asked what it makes of its own, since it fuses them."""
    return _of_onnx(data, shape) if engine == "onnxruntime" else _of_tflite(data, name, shape)


def _of_tflite(data: bytes, name: str, picture: Sequence[int]) -> list[Op]:
    described = describe(data, name if name.endswith(".tflite") else f"{name}.tflite")
    known = described.shapes
    if picture and any(None in info.shape for info in described.inputs):
        from edgelens.runtime.engines.tflite import tensor_shapes

        known = {**known, **tensor_shapes(data, picture)}
    size = {info.name: _BYTES.get(info.dtype, 1) for info in described.inputs}
    narrow = 1 if described.precision == "int8" else 4
    made = {output for operator in described.operators for output in operator.outputs} | set(size)
    ops: list[Op] = []
    for operator in described.operators:
        activations = [tensor for tensor in operator.inputs if tensor in made]
        constants = [tensor for tensor in operator.inputs if tensor not in made]
        before = next((size[tensor] for tensor in activations if tensor in size), narrow)
        after = {"DEQUANTIZE": 4, "QUANTIZE": 1}.get(operator.kind, before)
        size.update(dict.fromkeys(operator.outputs, after))
        shapes = [_known(known.get(tensor, ())) for tensor in (*activations, *constants)]
        outputs = [_known(known.get(tensor, ())) for tensor in operator.outputs]
        weights = [s for s in shapes[len(activations) :] if len(s) > 1]
        ops.append(
            _op(
                operator.outputs[0],
                operator.kind,
                shapes[: len(activations)],
                weights,
                outputs,
                before,
                after,
            )
        )
    return ops


def _of_onnx(data: bytes, shape: Sequence[int]) -> list[Op]:
    """onnxruntime's own graph after its optimisations, with every shape, from one profiled run."""
    ops: list[Op] = []
    events, names = _profiled(data, shape)
    for event, known in zip(events, names, strict=True):
        args = event["args"]
        inputs, outputs = args.get("input_type_shape", []), args.get("output_type_shape", [])
        if not outputs:
            continue
        kind = str(args["op_name"]).upper()
        typed = [(kind_, tuple(int(v) for v in size)) for each in inputs for kind_, size in each.items()]
        made = [(kind_, tuple(int(v) for v in size)) for each in outputs for kind_, size in each.items()]
        big = [size for _, size in typed[1:] if len(size) > 1]
        weights = big[:1] if kind in _CONVOLUTIONS | _PRODUCTS else []
        activations = [size for _, size in typed if size not in weights]
        before = _BYTES.get(typed[0][0], 1) if typed else 4
        op = _op(_own(event), kind, activations, weights, [s for _, s in made], before, _BYTES.get(made[0][0], 1))
        ops.append(replace(op, name=known))  # what kind of work it is, onnxruntime's own name tells
    return ops


def _own(event: dict[str, Any]) -> str:
    """What onnxruntime calls the operator of an event."""
    return str(event["name"]).removesuffix("_kernel_time")


def _profiled(data: bytes, shape: Sequence[int]) -> tuple[list[dict[str, Any]], list[str]]:
    """The operators' events of one run, in order, and what each is called in the file."""
    kept_here()
    import onnxruntime as ort

    from edgelens.runtime.engines.onnxruntime import OnnxRuntimeEngine
    from edgelens.runtime.engines.protocol import EngineOptions

    from ..bench.graph_names import names_in_order
    from ..bench.inputs import random_inputs

    with OnnxRuntimeEngine(data, EngineOptions()) as engine, tempfile.TemporaryDirectory() as folder:
        settings = ort.SessionOptions()
        settings.log_severity_level = 4
        settings.intra_op_num_threads = 1
        settings.enable_profiling = True
        settings.profile_file_prefix = str(Path(folder) / "profile")
        settings.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        settings.add_session_config_entry("session.disable_prepacking", "1")  # packed weights would not be listed
        try:
            session = ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
            inputs = random_inputs(engine.inputs, shape)
            session.run(None, dict(zip([value.name for value in session.get_inputs()], inputs, strict=True)))
        except Exception as error:  # noqa: BLE001 (onnxruntime raises types of its own)
            raise ModelError(f"the model does not run: {str(error).splitlines()[0][:200]}") from None
        told: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_text())
        ran = [event for event in told if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
        ran.sort(key=lambda event: float(event["ts"]))
        known = [(str(event["args"].get("op_name", "?")), _own(event)) for event in ran]
        return ran, names_in_order(data, Path(settings.optimized_model_filepath).read_bytes(), known)


def _op(
    name: str,
    kind: str,
    activations: Sequence[tuple[int, ...]],
    weights: Sequence[tuple[int, ...]],
    outputs: Sequence[tuple[int, ...]],
    before: int,
    after: int,
) -> Op:
    kind = kind.upper()
    made = float(sum(math.prod(size) for size in outputs))
    moved = before * float(sum(math.prod(size) for size in activations)) + after * made
    if kind in _CONVOLUTIONS and weights:
        taken = activations[0] if activations else ()
        return _convolution(name, kind, weights[0], taken, outputs[0], moved, before)
    if kind in _PRODUCTS:
        inner = float(activations[0][-1]) if activations and activations[0] else 1.0
        held = float(math.prod(weights[0])) * before if weights else 0.0
        width = float(outputs[0][-1]) if outputs[0] else 1.0
        return Op(name, kind, "dense", made * inner, moved, held, made / width, 1.0, inner, width)
    work = "free" if kind in _FREE else _KIND_TO_WORK.get(kind, "move")
    if work == "pool" and sum(axis == 1 for axis in outputs[0][1:]) >= 2:
        work = "reduce"  # over the whole picture
    elif kind in ("MAXPOOL", "AVERAGEPOOL") and not name.endswith("_nchwc"):
        work = "plain pool"  # not between blocked or 8-bit convolutions: other, far slower kernels
    return Op(name, kind, work, 0.0, moved, 0.0, made)


def _convolution(
    name: str,
    kind: str,
    weight: tuple[int, ...],
    taken: tuple[int, ...],
    output: tuple[int, ...],
    moved: float,
    size: int,
) -> Op:
    made = float(math.prod(output))
    tflite = kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
    if kind == "DEPTHWISE_CONV_2D":
        c_out, c_in, window = float(weight[3]), 1.0, float(weight[1] * weight[2])
    elif tflite:
        c_out, c_in, window = float(weight[0]), float(weight[3]), float(weight[1] * weight[2])
    else:
        c_out, c_in, window = float(weight[0]), float(weight[1]), float(math.prod(weight[2:]))
    # a first convolution on a gray picture has one input channel too, and is none
    depthwise = kind == "DEPTHWISE_CONV_2D" or (not tflite and c_in == 1 and int(c_out) in taken[1:] and window > 1)
    work = "depthwise" if depthwise else "pointwise" if window == 1 else "conv"
    if kind in ("CONV", "FUSEDCONV") and not name.endswith("_nchwc"):
        work = f"plain {work}"  # onnxruntime blocks channels where it may; where it may not, other kernels run
    held = float(math.prod(weight)) * size
    return Op(name, kind, work, made * c_in * window, moved, held, made / c_out, window, c_in, c_out)


def _known(shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(1 if axis is None else int(axis) for axis in shape)
