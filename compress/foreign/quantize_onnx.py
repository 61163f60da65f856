"""Somebody's ONNX model in 8 bits: uint8 activations, int8 weights a channel, ranges by the observer that fits best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.engines.onnxruntime import open_session
from edgelens.runtime.engines.telemetry import kept_here
from edgelens.runtime.errors import DataError, WorkError
from edgelens.runtime.metrics.signal import snr_db

from ..host.quiet import quiet
from ..host.scratch import scratch_folder
from ..quantize.observers import Observer
from ..quantize.ranges import Range
from .onnx_ranges import Probe, observe_onnx

__all__ = ["QuantizedOnnx", "best_quantized", "tail_nodes"]

OBSERVERS = (Observer("minmax"), Observer("percentile", 99.999), Observer("percentile", 99.99), Observer("mse"))
_LAYERS = ("Conv", "Gemm", "MatMul", "ConvTranspose")
_POOLS = ("GlobalAveragePool", "AveragePool", "ReduceMean", "GlobalMaxPool")
_CARRIES = ("Flatten", "Reshape", "Squeeze", "Identity", "Dropout")
_ACTIVATIONS = ("Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "LeakyRelu", "Mul", "PRelu")
JUDGES = 48
ENOUGH_DB = 15.0  # below it a detector loses boxes and a classifier classes
MIXED = (2, 4, 8, 16)  # layers left float, tried one after another


@dataclass(frozen=True)
class QuantizedOnnx:
    """A model in 8 bits, what was tried for it, and the nodes that stay float."""

    model: Any
    tried: dict[str, float]  # what → dB
    taken: tuple[str, ...]  # of them
    left_float: tuple[str, ...]
    mixed: frozenset[str]  # those of them that stay float because 8 bits cost too much there


def best_quantized(
    model: Any,
    inputs: Callable[[], Any],
    outputs: Sequence[str],
    observers: Sequence[Observer] = OBSERVERS,
    *,
    where: str = "the model",
    say: Callable[[str], None] | None = None,
) -> QuantizedOnnx:
    """The model in 8 bits whose outputs stand highest above their error; where that is low, some layers stay float.

    `where` is what people know it by.
    """
    probe = Probe(model)
    model = _with_types(model, probe.floats)
    ranges = observe_onnx(probe, inputs, observers)
    judges = [tensor for _, tensor in zip(range(JUDGES), inputs(), strict=False)]
    reference = np.stack([np.concatenate([probe.values(t)[name].reshape(-1) for name in outputs]) for t in judges])
    if np.isnan(reference).any():
        raise DataError(f"{where}: answers NaN to --calibrate images: are --mean and --std its own?")
    tried: dict[str, float] = {}
    always = tail_nodes(model)

    def judged(name: str, limits: Mapping[str, tuple[float, float]], left: Sequence[str]) -> tuple[float, Any]:
        if say is not None:
            say(f"trying {name}")
        candidate = _quantized(model, limits, judges[0], probe.input, [*always, *left])
        quality = min(snr_db(reference, np.stack(_answers(candidate, judges, outputs))), 200.0)
        tried[name] = round(quality, 2)
        return quality, candidate

    best: tuple[float, Any, Observer, tuple[str, ...]] | None = None
    taken: tuple[str, ...] = ()
    for observer in observers:
        name = observer.method + (f" {observer.percentile:g}" if observer.method == "percentile" else "")
        quality, candidate = judged(f"{name} ranges", ranges[observer], ())
        if best is None or quality > best[0] + 0.3:
            best, taken = (quality, candidate, observer, ()), (f"{name} ranges",)
    assert best is not None
    ranked = [node for node in model.graph.node if node.op_type in _LAYERS]  # an error made early reaches everything
    for count in MIXED if best[0] < ENOUGH_DB else ():
        layers = ranked[:count]
        left = tuple(name for layer in layers for name in _with_activation(model, layer))
        name = f"first {len(layers)} layers float"
        quality, candidate = judged(name, ranges[best[2]], left)
        if quality > best[0] + 1:
            best, taken = (quality, candidate, best[2], left), (taken[0], name)
        if quality >= ENOUGH_DB or count >= len(ranked):
            break
    return QuantizedOnnx(best[1], tried, taken, (*always, *best[3]), frozenset(best[3]))


def _with_types(model: Any, floats: Sequence[str]) -> Any:
    """The model with the number format of every float value: behind operators that onnx does not know nothing is."""
    import copy

    from onnx import TensorProto, helper

    told = copy.deepcopy(model)
    known = {value.name for part in (told.graph.value_info, told.graph.output) for value in part}
    told.graph.value_info.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in floats if name not in known
    )
    return told


def _with_activation(model: Any, layer: Any) -> list[str]:
    """A layer and the element-wise operators right behind it (x · sigmoid(x) is two)."""
    names, values = [layer.name], {layer.output[0]}
    for node in model.graph.node:
        if node.op_type in _ACTIVATIONS and set(node.input) & values:
            names.append(node.name)
            if node.op_type in ("Sigmoid", "HardSigmoid"):
                values.add(node.output[0])
    return names


def tail_nodes(model: Any) -> list[str]:
    """What stays float: everything behind the last layers, a classifier and the pooling before it."""
    makers = {name: node for node in model.graph.node for name in node.output}
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{i}"
    names: list[str] = []
    for output in model.graph.output:
        front = [makers[output.name]] if output.name in makers else []
        while front:
            node = front.pop()
            if node.name in names:
                continue
            if node.op_type in _LAYERS:
                if node.op_type in ("Gemm", "MatMul") or _is_vector(model, node.output[0]):
                    names += [node.name, *_pooling(makers, node)]
                continue
            names.append(node.name)
            front += [makers[name] for name in node.input if name in makers]
    return names


def _pooling(makers: Mapping[str, Any], layer: Any) -> list[str]:
    behind, step = [], makers.get(layer.input[0])
    while step is not None and step.op_type in (*_CARRIES, *_POOLS):
        behind.append(step.name)
        if step.op_type in _POOLS:
            return behind
        step = makers.get(step.input[0])
    return []


def _is_vector(model: Any, name: str) -> bool:
    """Whether a value has no places, as a classifier's has none that is a convolution behind the pooling."""
    value = next((v for v in (*model.graph.value_info, *model.graph.output) if v.name == name), None)
    axes = [] if value is None else list(value.type.tensor_type.shape.dim)
    return len(axes) >= 2 and all(axis.dim_value == 1 for axis in axes[2:])


def _quantized(
    model: Any, limits: Mapping[str, tuple[float, float]], sample: NDArray[Any], entry: str, left: Sequence[str]
) -> Any:
    """One quantized model: every tensor's range is given, so one sample is enough for the quantizer's own pass."""
    import copy

    import onnx

    with scratch_folder() as folder, quiet():
        kept_here()
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        left = [*left, *_unquantizable(model)]
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
        try:
            quantize_static(
                source,
                folder / "int8.onnx",
                _One({entry: sample}),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=list(left),
                extra_options={"TensorQuantOverrides": overrides},
            )
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise WorkError(f"onnxruntime's quantizer failed: {lines[0][:200]}") from error
        return onnx.load(folder / "int8.onnx")


def _unquantizable(model: Any) -> list[str]:
    """Layers that onnxruntime's quantizer fails on: it takes a group's output channels for those of all groups."""
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "ConvTranspose" and len(node.input) > 2 and _groups(node) > 1
    ]


def _groups(layer: Any) -> int:
    return next((int(each.i) for each in layer.attribute if each.name == "group"), 1)


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
    kept_here()
    import onnxruntime as ort

    def silent() -> Any:
        settings = ort.SessionOptions()
        settings.log_severity_level = 4
        return settings

    session, _ = open_session(model.SerializeToString(), silent, [("CPUExecutionProvider", {})])
    entry = session.get_inputs()[0].name
    return [
        np.concatenate([np.asarray(v, np.float32).reshape(-1) for v in session.run(list(outputs), {entry: t})])
        for t in inputs
    ]
