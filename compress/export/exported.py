"""A traced network in both file formats, its tensors named alike, ready to be quantized."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import fx, nn

from edgelens.runtime.preprocess import PixelContract

from ..network.answers import in_order
from ..network.graph import example_input, is_convolutional
from . import onnx as to_onnx
from . import tflite as to_tflite
from .artifact import FLOAT_PIXELS, Artifact
from .channels_last import flatten_channels_last
from .match import match_values, name_after_graph, onnx_values

__all__ = ["FORMATS", "Exported", "export", "float_artifacts", "named"]

FORMATS = ("onnx", "tflite")


@dataclass(frozen=True)
class Exported:
    """Float files of one network whose input is normalised already; None for a format that was not asked for."""

    pixels: PixelContract
    outputs: tuple[str, ...]  # the network's, in both formats
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
    outputs: tuple[str, ...],
    formats: Sequence[str] = FORMATS,
    dynamic_batch: bool = False,
) -> Exported:
    """Both formats of a network; from its folded graph where both exporters translate all of its operators alike."""
    alike = is_convolutional(graph)
    source: nn.Module = graph if alike else in_order(network, outputs)
    model, flat = None, None
    if "onnx" in formats:
        model = to_onnx.export_prepared(source, pixels, outputs=outputs, dynamic_batch=dynamic_batch)
    if "tflite" in formats:
        flat = to_tflite.export_prepared(flatten_channels_last(graph) if alike else source, pixels, outputs=outputs)
    found = Exported(pixels, outputs, graph if alike else None, model, flat)
    return named(found, graph) if alike else found


def named(exported: Exported, graph: fx.GraphModule) -> Exported:
    """The same files with their tensors called after the graph's nodes, and those that match none."""
    prepared = _noise(exported.pixels)
    unmatched: dict[str, Sequence[str]] = {}
    names: Mapping[str, str] = {}
    flat = exported.tflite
    if exported.onnx is not None:
        values = onnx_values(exported.onnx, {to_onnx.PREPARED: prepared})
        names = match_values(graph, values, prepared)
        unmatched["onnx"] = [name for name in values if name not in names]
    if flat is not None:
        flat, unmatched["tflite"] = name_after_graph(graph, flat, prepared)
    return dataclasses.replace(exported, graph=graph, tflite=flat, onnx_names=names, unmatched=unmatched)


def float_artifacts(exported: Exported) -> list[Artifact]:
    """The float files, pixels in."""
    artifacts = []
    if exported.onnx is not None:
        data = to_onnx.with_pixels(exported.onnx).SerializeToString()
        artifacts.append(Artifact("onnxruntime", "float32", data, FLOAT_PIXELS, exported.outputs))
    if exported.tflite is not None:
        data = to_tflite.with_pixels(exported.tflite)
        artifacts.append(Artifact("tflite", "float32", data, FLOAT_PIXELS, exported.outputs))
    return artifacts


def _noise(pixels: PixelContract) -> NDArray[np.float32]:
    """One normalised picture (1, H, W, C) in which no two tensors come out equal by chance."""
    return np.ascontiguousarray(example_input(pixels, 1).permute(0, 2, 3, 1).numpy())
