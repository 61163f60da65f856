"""Cross-layer equalization: channels of one tensor brought to like ranges, the next layer's weights taking the factor.

A scale that a channel gains before a ReLU can be taken away behind it, so the float network stays the same.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from ..network.fold import constant, set_parameter
from ..network.prepared import prepared_batches
from ..network.recorder import Recorder

__all__ = ["equalize"]

aten = torch.ops.aten
_PASSES_SCALE = (aten.relu.default, aten.max_pool2d.default, aten.avg_pool2d.default)
_MOST = 16.0  # no channel is scaled further: a dead one would take all the steps of the next layer's weights


def equalize(graph: fx.GraphModule, images: NDArray[np.uint8], strength: float = 0.5) -> fx.GraphModule | None:
    """An equal network with evener channels; None where no pair of layers allows it (ReLU6 does not)."""
    even = copy.deepcopy(graph)
    pairs = list(_pairs(even))
    if not pairs:
        return None
    largest = _channel_limits(even, {between for _, between, _ in pairs}, images)
    for first, between, second in pairs:
        _rescale(even, first, second, largest[between], strength)
    return even


def _pairs(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, str, fx.Node]]:
    """Layer, the tensor that leaves it, and the only layer that takes that tensor."""
    for node in graph.graph.nodes:
        if node.target != aten.conv2d.default:
            continue
        step = node
        while len(step.users) == 1 and next(iter(step.users)).target in _PASSES_SCALE:
            step = next(iter(step.users))
        taker = next(iter(step.users)) if len(step.users) == 1 else None
        if taker is None or taker.target != aten.conv2d.default:
            continue
        if taker.args[0] is step and _grouping(graph, taker) is not None:
            yield node, step.name, taker


def _grouping(graph: fx.GraphModule, layer: fx.Node) -> str | None:
    """Whether a convolution sees all channels or each alone; others are left as they are."""
    groups = layer.args[6] if len(layer.args) > 6 else 1
    weight = constant(graph, layer.args[1])
    assert weight is not None
    if groups == 1:
        return "dense"
    return "depthwise" if weight.shape[1] == 1 and groups == weight.shape[0] else None


@torch.no_grad()
def _channel_limits(graph: fx.GraphModule, names: set[str], images: NDArray[np.uint8]) -> Mapping[str, Tensor]:
    limits: dict[str, Tensor] = {}

    def widen(name: str, value: Tensor) -> None:
        if name in names:
            largest = value.abs().amax((0, 2, 3))
            limits[name] = torch.maximum(limits[name], largest) if name in limits else largest

    for batch in prepared_batches(images):
        Recorder(graph, widen).run(batch)
    return limits


def _rescale(graph: fx.GraphModule, first: fx.Node, second: fx.Node, largest: Tensor, strength: float) -> None:
    maker, taker = constant(graph, first.args[1]), constant(graph, second.args[1])
    assert maker is not None
    assert taker is not None
    depthwise = _grouping(graph, second) == "depthwise"
    wanted = taker.detach().abs().flatten(1).amax(1) if depthwise else taker.detach().abs().amax((0, 2, 3))
    factor = largest.clamp(min=1e-6) ** strength / wanted.clamp(min=1e-6) ** (1 - strength)
    factor = (factor / factor.log().mean().exp()).clamp(1 / _MOST, _MOST)
    wide = factor.reshape(-1, 1, 1, 1)
    set_parameter(graph, str(first.args[1].target), maker / wide)  # type: ignore[union-attr]
    bias = constant(graph, first.args[2] if len(first.args) > 2 else None)
    if bias is not None:
        set_parameter(graph, str(first.args[2].target), bias / factor)  # type: ignore[union-attr]
    set_parameter(graph, str(second.args[1].target), taker * (wide if depthwise else factor.reshape(1, -1, 1, 1)))  # type: ignore[union-attr]
