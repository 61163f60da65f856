"""Exported files with other weights: repairs for 8 bits change numbers alone, and exporting is most of compressing."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import fx

from ..network.fold import constant
from .channels_last import flatten_channels_last
from .exported import Exported, named
from .tflite import FLOAT32, read_model, write_model

__all__ = ["refilled"]

Place = TypeVar("Place", bound=Hashable)
Weights = Mapping[str, NDArray[Any]]
Key = tuple[tuple[int, ...], bytes]

# how exporters turn what torch holds, by its number of axes: a matrix; a convolution, a depthwise one, channels last
_ORDERS = {2: ((0, 1), (1, 0)), 4: ((0, 1, 2, 3), (0, 2, 3, 1), (1, 2, 3, 0))}


def refilled(exported: Exported, graph: fx.GraphModule) -> Exported | None:
    """The files as if a copy of the exported graph, its weights changed, had been exported; None where that is open.

    A weight is found by what it held, so one that equals another, or that an exporter computed on, has no known place.
    """
    if exported.graph is None or _shape(exported.graph) != _shape(graph):
        return None
    model, flat = exported.onnx, exported.tflite
    if model is not None and (model := _onnx(model, _weights(exported.graph), _weights(graph))) is None:
        return None
    if flat is not None:
        before, after = (_weights(flatten_channels_last(each)) for each in (exported.graph, graph))
        if (flat := _tflite(flat, before, after)) is None:
            return None
    found = named(dataclasses.replace(exported, onnx=model, tflite=flat), graph)
    return found if found.unmatched == exported.unmatched and found.onnx_names == exported.onnx_names else None


def _shape(graph: fx.GraphModule) -> list[tuple[str, str, str]]:
    return [(node.op, node.name, str(node.target)) for node in graph.graph.nodes]


def _weights(graph: fx.GraphModule) -> Weights:
    found = {str(node.target): constant(graph, node) for node in graph.graph.nodes if node.op == "get_attr"}
    return {name: value.detach().numpy() for name, value in found.items() if value is not None}


def _onnx(model: Any, before: Weights, after: Weights) -> Any:
    from onnx import numpy_helper

    model = copy.deepcopy(model)
    kept = {each.name: each for each in model.graph.initializer}
    filled = _filled({name: numpy_helper.to_array(each) for name, each in kept.items()}, before, after)
    if filled is None:
        return None
    for name, value in filled.items():
        kept[name].raw_data = value.astype("<f4").tobytes()
    return model


def _tflite(data: bytes, before: Weights, after: Weights) -> bytes | None:
    model = read_model(data)
    kept = {}
    for tensor in model.subgraphs[0].tensors:
        held = model.buffers[tensor.buffer].data
        if held is not None and tensor.type == FLOAT32:
            kept[int(tensor.buffer)] = np.frombuffer(bytes(bytearray(held)), np.float32).reshape(tensor.shape)
    filled = _filled(kept, before, after)
    if filled is None:
        return None
    for buffer, value in filled.items():
        model.buffers[buffer].data = np.frombuffer(value.tobytes(), np.uint8)
    return write_model(model)


def _filled(
    kept: Mapping[Place, NDArray[Any]], before: Weights, after: Weights
) -> dict[Place, NDArray[np.float32]] | None:
    """What the places of changed weights hold now; None where a weight's place, or a place's weight, is open."""
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    owners: dict[Key, dict[str, NDArray[Any]]] = {}
    for name in before:
        for old, new in zip(_turned(before[name]), _turned(after[name]), strict=True):
            owners.setdefault(_key(old), {}).setdefault(name, new)
    filled: dict[Place, NDArray[np.float32]] = {}
    found: set[str] = set()
    for place, value in kept.items():
        names = owners.get(_key(value), {})
        if changed.isdisjoint(names):
            continue
        if len(names) > 1:
            return None
        ((name, new),) = names.items()
        filled[place] = new
        found.add(name)
    return filled if found == changed else None


def _turned(value: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for order in _ORDERS.get(value.ndim, (tuple(range(value.ndim)),)):
        yield np.ascontiguousarray(value.transpose(order))


def _key(value: NDArray[Any]) -> Key:
    return value.shape, value.tobytes()
