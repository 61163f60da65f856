"""8 bits for attention and recurrent networks: exporters take them apart differently, so each file is calibrated."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.engines.telemetry import kept_here
from edgelens.runtime.errors import WorkError

from ..export import tflite
from ..export.kept_tensors import keeping_all_tensors
from ..export.onnx import INPUT, PREPARED, with_pixels
from ..host.quiet import quiet
from ..host.scratch import scratch_folder
from .ptq_tflite import run_quantizer, with_names
from .ranges import PIXELS

__all__ = ["calibrate_onnx", "calibrate_tflite", "prepared_inputs"]


def prepared_inputs(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Pictures (N, H, W, C) as normalised inputs (1, H, W, C), one by one."""
    for picture in images:
        yield (picture[None].astype(np.float32) - 128) / 128


def calibrate_onnx(prepared: Any, images: NDArray[np.uint8], *, full_integer: bool = False) -> Any:
    """The 8-bit model of a prepared float one, by onnxruntime's quantizer with a min-max pass over the images."""
    import onnx

    model = copy.deepcopy(prepared)
    classifier = [] if full_integer else [_maker(model, value.name) for value in model.graph.output]
    with scratch_folder() as folder, quiet():
        kept_here()
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        target = folder / "int8.onnx"
        zero = np.array(PIXELS.zero_point, np.uint8)
        pinned = {"scale": np.array(PIXELS.scale), "zero_point": zero, "quant_type": QuantType.QUInt8}
        try:
            quantize_static(
                model,
                target,
                _Reader(images),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=[name for name in classifier if name],
                extra_options={"TensorQuantOverrides": {PREPARED: [pinned]}},
            )
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise WorkError(f"onnxruntime's quantizer failed: {lines[0][:200]}") from error
        quantized = onnx.load(target)
    return _byte_input(quantized)


def calibrate_tflite(prepared: bytes, images: NDArray[np.uint8], *, full_integer: bool = False) -> bytes:
    """The 8-bit file of a prepared float one, by litert-quantizer with a min-max pass over the images."""
    limits: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    for name, low, high in _tensor_limits(prepared, images):
        before = limits.get(name, (low, high))
        limits[name] = (np.minimum(before[0], low), np.maximum(before[1], high))
    qsvs = {name: {"min": low, "max": high} for name, (low, high) in limits.items()}
    qsvs[PREPARED] = {"min": np.full((1, 1, 1, 1), PIXELS.low, np.float32),
                      "max": np.full((1, 1, 1, 1), PIXELS.high, np.float32)}  # fmt: skip
    outputs = set() if full_integer else set(tflite.output_names(tflite.read_model(prepared)))
    return with_names(run_quantizer(prepared, qsvs, outputs, static=True), prepared)


class _Reader:
    """What onnxruntime's calibrator asks for: one feed after another."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._feeds = ({PREPARED: values} for values in prepared_inputs(images))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next feed, None after the last."""
        return next(self._feeds, None)

    def __iter__(self) -> _Reader:
        return self

    def __next__(self) -> dict[str, NDArray[np.float32]]:
        feed = self.get_next()
        if feed is None:
            raise StopIteration
        return feed


def _maker(model: Any, value: str) -> str:
    """The node that makes a value; quantizers name the nodes to leave alone."""
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{i}"
    return next((node.name for node in model.graph.node if value in node.output), "")


def _byte_input(model: Any) -> Any:
    """The model with uint8 pixels in: its first QuantizeLinear falls away, since the pixel is the quantized input."""
    from onnx import TensorProto, helper

    graph = model.graph
    takers = [node for node in graph.node if PREPARED in node.input]
    if not takers or any(node.op_type != "QuantizeLinear" for node in takers):
        return with_pixels(model)
    shape = [axis.dim_param or axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim]
    results = {node.output[0] for node in takers}
    for node in takers:
        graph.node.remove(node)
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name in results:
                node.input[i] = INPUT
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
    return model


def _tensor_limits(
    prepared: bytes, images: NDArray[np.uint8]
) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Name, minimum and maximum (in the tensor's rank) of every float tensor, picture after picture."""
    interpreter = keeping_all_tensors(prepared)
    details = [d for d in interpreter.get_tensor_details() if d["dtype"] == np.float32]
    entry = interpreter.get_input_details()[0]["index"]
    for values in prepared_inputs(images):
        interpreter.set_tensor(entry, values)
        interpreter.invoke()
        for detail in details:
            try:
                tensor = interpreter.get_tensor(detail["index"])
            except ValueError:  # kernels keep some tensors to themselves
                continue
            if tensor.size:
                yield str(detail["name"]), tensor.min(keepdims=True), tensor.max(keepdims=True)
