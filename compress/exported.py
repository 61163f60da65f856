"""A traced network in both file formats, its tensors named alike, ready to be quantized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import fx, nn

from edgelens.runtime.preprocess import PixelContract

from .artifact import FLOAT_PIXELS, INT8_PIXELS, Artifact
from .export import onnx as to_onnx
from .export import tflite as to_tflite
from .export.channels_last import flatten_channels_last
from .graph import example_input, is_convolutional
from .quantize.match import match_values, name_after_graph, onnx_values, require_matches
from .quantize.per_format import calibrate_onnx, calibrate_tflite
from .quantize.ptq_onnx import quantize_onnx
from .quantize.ptq_tflite import quantize_tflite
from .quantize.ranges import Quantized

__all__ = ["FORMATS", "Exported", "calibrated_artifacts", "export", "float_artifacts", "int8_artifacts"]

FORMATS = ("onnx", "tflite")


@dataclass(frozen=True)
class Exported:
    """Float files of one network whose input is normalised already; None for a format that was not asked for."""

    pixels: PixelContract
    graph: fx.GraphModule | None  # None where each format has to be calibrated by itself
    onnx: Any = field(default=None, repr=False)
    tflite: bytes | None = field(default=None, repr=False)
    onnx_names: Mapping[str, str] = field(default_factory=dict)  # value → graph node
    unmatched: Mapping[str, Sequence[str]] = field(default_factory=dict)  # format → tensors without a node


def export(
    network: nn.Module,
    graph: fx.GraphModule,
    pixels: PixelContract,
    *,
    formats: Sequence[str] = FORMATS,
    dynamic_batch: bool = False,
) -> Exported:
    """Both formats of a network; from its folded graph where both exporters translate all of its operators alike."""
    alike = is_convolutional(graph)
    source: nn.Module = graph if alike else network
    prepared = _noise(pixels)
    unmatched: dict[str, Sequence[str]] = {}
    model, names = None, {}
    if "onnx" in formats:
        model = to_onnx.export_prepared(source, pixels, dynamic_batch=dynamic_batch)
        if alike:
            values = onnx_values(model, {to_onnx.PREPARED: prepared})
            names = match_values(graph, values, prepared)
            unmatched["onnx"] = [name for name in values if name not in names]
    flat = None
    if "tflite" in formats:
        flat = to_tflite.export_prepared(flatten_channels_last(graph) if alike else network, pixels)
        if alike:
            flat, unmatched["tflite"] = name_after_graph(graph, flat, prepared)
    return Exported(pixels, graph if alike else None, model, flat, names, unmatched)


def float_artifacts(exported: Exported) -> list[Artifact]:
    """The float files, pixels in."""
    found = []
    if exported.onnx is not None:
        data = to_onnx.with_pixels(exported.onnx).SerializeToString()
        found.append(Artifact("onnxruntime", "float32", data, FLOAT_PIXELS))
    if exported.tflite is not None:
        found.append(Artifact("tflite", "float32", to_tflite.with_pixels(exported.tflite), FLOAT_PIXELS))
    return found


def int8_artifacts(exported: Exported, quantized: Quantized) -> list[Artifact]:
    """The 8-bit files of ranges that were decided on the torch side."""
    found = []
    if exported.onnx is not None:
        require_matches(list(exported.unmatched.get("onnx", ())), "ONNX")
        data = quantize_onnx(exported.onnx, quantized, dict(exported.onnx_names)).SerializeToString()
        found.append(Artifact("onnxruntime", "int8", data, FLOAT_PIXELS))
    if exported.tflite is not None:
        require_matches(list(exported.unmatched.get("tflite", ())), "TFLite")
        found.append(Artifact("tflite", "int8", quantize_tflite(exported.tflite, quantized), INT8_PIXELS))
    return found


def calibrated_artifacts(
    exported: Exported, images: NDArray[np.uint8], *, full_integer: bool = False
) -> list[Artifact]:
    """The 8-bit files of a network that each format is calibrated for by itself."""
    found = []
    if exported.onnx is not None:
        model = calibrate_onnx(exported.onnx, images, full_integer=full_integer)
        found.append(Artifact("onnxruntime", "int8", model.SerializeToString(), FLOAT_PIXELS))
    if exported.tflite is not None:
        data = calibrate_tflite(exported.tflite, images, full_integer=full_integer)
        found.append(Artifact("tflite", "int8", data, INT8_PIXELS))
    return found


def _noise(pixels: PixelContract) -> NDArray[np.float32]:
    """One normalised picture (1, H, W, C) in which no two tensors come out equal by chance."""
    return np.ascontiguousarray(example_input(pixels, 1).permute(0, 2, 3, 1).numpy())
