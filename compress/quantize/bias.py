"""Bias correction: what 8 bits add to a channel's mean is taken out of its bias, layer by layer in one pass."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from ..network.fold import constant, set_parameter
from ..network.prepared import at_once, prepared_batches
from ..network.recorder import Recorder
from ..network.tail import LAYERS
from .ranges import Quantized
from .simulate import simulate

__all__ = ["correct_biases"]

_MOST, _PIXELS = 256, 2**22  # pictures whose means are taken at once, and their pixels


@torch.no_grad()
def correct_biases(graph: fx.GraphModule, quantized: Quantized, images: NDArray[np.uint8]) -> fx.GraphModule:
    """A copy whose 8-bit layers give the float network's channel means over the images."""
    corrected = copy.deepcopy(graph)
    layers = {n.name for n in graph.graph.nodes if n.target in LAYERS and n.name in quantized.plan.integer}
    wanted = _means(graph, layers, images)
    batch = next(prepared_batches(images, at_once(images, _MOST, _PIXELS)))
    _Correcting(simulate(graph, quantized), wanted, corrected).run(batch)
    return corrected


def _channel_mean(value: Tensor) -> Tensor:
    return value.mean((0, 2, 3)) if value.ndim == 4 else value.mean(0)


def _means(graph: fx.GraphModule, layers: set[str], images: NDArray[np.uint8]) -> dict[str, Tensor]:
    means: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> None:
        if name in layers:
            means[name] = _channel_mean(value)

    Recorder(graph, keep).run(next(prepared_batches(images, at_once(images, _MOST, _PIXELS))))
    return means


class _Correcting(fx.Interpreter):
    """Runs the simulation and puts each layer's mean right before the next one sees it."""

    def __init__(self, sim: fx.GraphModule, wanted: dict[str, Tensor], corrected: fx.GraphModule) -> None:
        super().__init__(sim)
        self._wanted, self._corrected = wanted, corrected
        self._nodes = {node.name: node for node in corrected.graph.nodes}

    def run_node(self, n: fx.Node) -> Any:
        """Run one node; a layer's output comes out with its float mean."""
        value = super().run_node(n)
        if n.name not in self._wanted:
            return value
        layer = self._nodes[n.name]
        source = layer.args[2] if len(layer.args) > 2 else None
        bias = constant(self._corrected, source)
        if bias is None or not isinstance(source, fx.Node) or len(source.users) > 1:
            return value
        error = _channel_mean(value) - self._wanted[n.name]
        set_parameter(self._corrected, str(source.target), bias - error)
        return value - (error[:, None, None] if value.ndim == 4 else error)
