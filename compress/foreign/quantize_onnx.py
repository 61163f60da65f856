"""Somebody's ONNX model in 8 bits: uint8 activations, int8 weights a channel, ranges by the observer that fits best."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import WorkError

from ..quantize.observers import Observer
from ..quantize.ranges import Range
from ..quiet import quiet
from ..verify_parity import snr_db
from .onnx_ranges import Probe, observe_onnx

__all__ = ["best_quantized", "tail_nodes"]

OBSERVERS = (Observer("minmax"), Observer("percentile", 99.999), Observer("percentile", 99.99), Observer("mse"))
_LAYERS = ("Conv", "Gemm", "MatMul", "ConvTranspose")
_POOLS = ("GlobalAveragePool", "AveragePool", "ReduceMean", "GlobalMaxPool")
_CARRIES = ("Flatten", "Reshape", "Squeeze", "Identity", "Dropout")
JUDGES = 48


def best_quantized(
    model: Any,
    inputs: Callable[[], Any],
    outputs: Sequence[str],
    observers: Sequence[Observer] = OBSERVERS,
    *,
    say: Callable[[str], None] | None = None,
) -> tuple[Any, dict[str, float]]:
    """The quantized model whose outputs stand highest above their error, and every observer's decibels."""
    probe = Probe(model)
    ranges = observe_onnx(probe, inputs, observers)
    judges = [tensor for _, tensor in zip(range(JUDGES), inputs(), strict=False)]
    reference = [np.concatenate([probe.values(t)[name].reshape(-1) for name in outputs]) for t in judges]
    tried: dict[str, float] = {}
    best: tuple[float, Any] | None = None
    for observer in observers:
        name = observer.method + (f" {observer.percentile:g}" if observer.method == "percentile" else "")
        if say is not None:
            say(f"trying {name} ranges")
        candidate = _quantized(model, ranges[observer], judges[0], probe.input)
        values = _answers(candidate, judges, outputs)
        quality = snr_db(np.stack(values), np.stack(reference))
        tried[name] = round(quality, 2)
        if best is None or quality > best[0] + 0.3:
            best = (quality, candidate)
    assert best is not None
    return best[1], tried


def tail_nodes(model: Any) -> list[str]:
    """What stays float: everything behind the last layers, a classifier and the pooling before it."""
    makers = {name: node for node in model.graph.node for name in node.output}
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{i}"
    found: list[str] = []
    for output in model.graph.output:
        front = [makers[output.name]] if output.name in makers else []
        while front:
            node = front.pop()
            if node.name in found:
                continue
            if node.op_type in _LAYERS:
                if node.op_type in ("Gemm", "MatMul") or _is_vector(model, node.output[0]):
                    found += [node.name, *_pooling(makers, node)]
                continue
            found.append(node.name)
            front += [makers[name] for name in node.input if name in makers]
    return found


def _pooling(makers: Mapping[str, Any], layer: Any) -> list[str]:
    behind, step = [], makers.get(layer.input[0])
    while step is not None and step.op_type in (*_CARRIES, *_POOLS):
        behind.append(step.name)
        if step.op_type in _POOLS:
            return behind
        step = makers.get(step.input[0])
    return []


def _is_vector(model: Any, name: str) -> bool:
    value = next((v for v in (*model.graph.value_info, *model.graph.output) if v.name == name), None)
    return value is not None and len(value.type.tensor_type.shape.dim) == 2


def _quantized(model: Any, limits: Mapping[str, tuple[float, float]], sample: NDArray[Any], entry: str) -> Any:
    """One quantized model: every tensor's range is given, so one sample is enough for the quantizer's own pass."""
    import copy

    import onnx

    with tempfile.TemporaryDirectory() as folder, quiet():
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        overrides = {}
        weights = {value.name for value in model.graph.initializer}
        for name, (low, high) in limits.items():
            chosen = Range(low, high)
            if name not in weights:
                overrides[name] = [
                    {"scale": np.array(chosen.scale), "zero_point": np.array(chosen.zero_point, np.uint8),
                     "quant_type": QuantType.QUInt8}
                ]  # fmt: skip
        source = copy.deepcopy(model)
        left = tail_nodes(source)
        try:
            quantize_static(
                source,
                Path(folder) / "int8.onnx",
                _One({entry: sample}),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=left,
                extra_options={"TensorQuantOverrides": overrides},
            )
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise WorkError(f"onnxruntime's quantizer failed: {lines[0][:200]}") from error
        return onnx.load(Path(folder) / "int8.onnx")


class _One:
    """A calibration reader of one feed."""

    def __init__(self, feed: dict[str, NDArray[Any]]) -> None:
        self._feeds = iter([feed])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The feed, then None."""
        return next(self._feeds, None)

    def __iter__(self) -> _One:
        return self

    def __next__(self) -> dict[str, NDArray[Any]]:
        return next(self._feeds)


def _answers(model: Any, inputs: Sequence[NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    return [
        np.concatenate([np.asarray(v, np.float32).reshape(-1) for v in session.run(list(outputs), {entry: t})])
        for t in inputs
    ]
