"""Tensors of exported files named after the graph's nodes: both run on one picture, equal values belong together.

Exporters rename, fuse and reorder; what they cannot change is what a tensor holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from edgelens.runtime.engines.telemetry import kept_here
from edgelens.runtime.errors import WorkError

from ..network.recorder import Recorder
from . import tflite
from .kept_tensors import keeping_all_tensors
from .onnx import PREPARED

__all__ = ["match_values", "name_after_graph", "every_value_session", "onnx_values", "tflite_values"]

_COPIES = ("PAD", "PADV2", "RESHAPE", "TRANSPOSE", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH")


def tflite_values(model: bytes, prepared: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Every tensor of a float TFLite file for one input (1, H, W, C)."""
    interpreter = keeping_all_tensors(model)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepared)
    interpreter.invoke()
    values = {}
    for detail in interpreter.get_tensor_details():
        try:
            values[str(detail["name"])] = np.array(interpreter.get_tensor(detail["index"]))
        except ValueError:  # a tensor that kernels allocate for themselves has no data to read
            continue
    return values


def onnx_values(model: Any, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Every value of an ONNX model for one input."""
    session = every_value_session(model)
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feed)), strict=True))


def every_value_session(model: Any) -> Any:
    """An onnxruntime session, unoptimized, that gives every value of an ONNX model as an output."""
    import onnx

    kept_here()
    import onnxruntime as ort

    every = onnx.ModelProto()
    every.CopyFrom(model)
    known = {value.name for value in every.graph.output}
    for node in every.graph.node:
        for name in node.output:
            if name and name not in known:
                every.graph.output.append(onnx.ValueInfoProto(name=name))
                known.add(name)
    settings = ort.SessionOptions()
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 4
    return ort.InferenceSession(every.SerializeToString(), settings, providers=["CPUExecutionProvider"])


def match_values(
    graph: fx.GraphModule, values: Mapping[str, NDArray[Any]], prepared: NDArray[np.float32]
) -> dict[str, str]:
    """File tensor → graph node, where both hold the same numbers in either layout."""
    reference: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, value: torch.Tensor) -> None:
        reference[name] = value.detach().float().numpy().copy()

    with torch.no_grad():
        Recorder(graph, keep).run(torch.from_numpy(np.ascontiguousarray(prepared.transpose(0, 3, 1, 2))))
    by_size: dict[int, list[tuple[str, NDArray[np.float32]]]] = {}
    for name, value in reference.items():
        by_size.setdefault(value.size, []).append((name, value))
    matched: dict[str, str] = {}
    taken: set[str] = set()
    for tensor, value in values.items():
        if value.dtype.kind != "f" or value.size == 0:
            continue
        fitting = [name for name, other in by_size.get(value.size, ()) if _same(value, other)]
        if fitting:  # of equal tensors each gets its own node as long as there are any left
            matched[tensor] = next((name for name in fitting if name not in taken), fitting[0])
            taken.add(matched[tensor])
    return matched


def name_after_graph(graph: fx.GraphModule, model: bytes, prepared: NDArray[np.float32]) -> tuple[bytes, list[str]]:
    """A TFLite file whose activations bear their nodes' names, and the activations that match none."""
    values = tflite_values(model, prepared)
    matched = match_values(graph, values, prepared)
    matched = {tensor: _file_name(graph, node) for tensor, node in matched.items()}
    unmatched: list[str] = []
    used: dict[str, int] = {}
    renamed: dict[str, str] = {}
    for kind, sources, results in tflite.operators(model):
        for result in results:
            if result in matched:
                renamed[result] = _unique(matched[result], used)
            elif kind in _COPIES and sources[0] in {*renamed, PREPARED}:
                copied = renamed.get(sources[0], PREPARED).split("/")[0]
                renamed[result] = _unique(copied, used)
            else:
                unmatched.append(result)
    tree = tflite.read_model(model)
    outputs = set(tree.subgraphs[0].outputs) | set(tree.subgraphs[0].inputs)
    names = {
        index: renamed[tensor.name.decode()]
        for index, tensor in enumerate(tree.subgraphs[0].tensors)
        if index not in outputs and tensor.name.decode() in renamed
    }
    tflite.rename_tensors(tree, names)
    return tflite.write_model(tree), unmatched


def require_matches(unmatched: list[str], file: str) -> None:
    """A convolutional network whose tensors cannot be paired must not be quantized blindly."""
    if unmatched:
        raise WorkError(
            f"{file}: {len(unmatched)} tensors ({', '.join(unmatched[:3])}) match none of the network's:"
            " its 8-bit ranges are unknown; use --calibration per-format"
        )


def _file_name(graph: fx.GraphModule, node: str) -> str:
    is_input = any(n.op == "placeholder" and n.name == node for n in graph.graph.nodes)
    return PREPARED if is_input else node


def _unique(name: str, used: dict[str, int]) -> str:
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 and name != PREPARED else f"{name}/{used[name]}"


def _same(first: NDArray[Any], second: NDArray[np.float32]) -> bool:
    tolerance = 1e-4 * max(float(np.abs(second).max()), 1e-3)
    if first.ndim == 4 and second.ndim == 4:
        for layout in (first.transpose(0, 3, 1, 2), first):
            if layout.shape == second.shape and np.abs(layout - second).max() <= tolerance:
                return True
    return bool(np.abs(first.reshape(-1) - second.reshape(-1)).max() <= tolerance)
