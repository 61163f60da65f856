"""Learned rounding (after AdaRound, Nagel et al., 2020): each weight goes up or down as its layer's output likes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from edgelens.train.optimize.precision import laid_out, plain_mode

from ..network.fold import constant, set_parameter
from ..network.prepared import prepared_batches
from ..network.recorder import Recorder
from ..network.tail import LAYERS
from .ranges import Quantized
from .simulate import simulate

__all__ = ["RoundingConfig", "learn_rounding"]

aten = torch.ops.aten


@dataclass(frozen=True)
class RoundingConfig:
    """How long each layer's rounding is learned."""

    steps: int = 250
    images: int = 96
    rate: float = 0.02
    weight: float = 0.01  # of the term that makes up its mind


def learn_rounding(
    graph: fx.GraphModule,
    quantized: Quantized,
    images: NDArray[np.uint8],
    config: RoundingConfig | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> fx.GraphModule:
    """A copy whose weights lie on the 8-bit grid, rounded so that each layer answers most like the float one."""
    config = config or RoundingConfig()
    rounded = copy.deepcopy(graph)
    layers = [n for n in graph.graph.nodes if n.target in LAYERS and n.name in quantized.plan.integer]
    batch = laid_out(next(prepared_batches(images, min(len(images), config.images))), plain_mode(graph))
    targets = _outputs(graph, {n.name for n in layers}, batch)
    for i, layer in enumerate(layers):
        if progress is not None:
            progress(f"rounding {layer.name} ({i + 1}/{len(layers)})")
        inputs = _input_of(simulate(rounded, quantized), layer, batch)
        weight = constant(rounded, layer.args[1])
        bias = constant(rounded, layer.args[2] if len(layer.args) > 2 else None)
        assert weight is not None
        learned = _learn(layer, weight.detach(), bias, inputs, targets[layer.name], config)
        set_parameter(rounded, str(layer.args[1].target), learned)
    return rounded


@torch.no_grad()
def _outputs(graph: fx.GraphModule, names: set[str], batch: Tensor) -> dict[str, Tensor]:
    outputs: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> None:
        if name in names:
            outputs[name] = value

    Recorder(graph, keep).run(batch)
    return outputs


@torch.no_grad()
def _input_of(sim: fx.GraphModule, layer: fx.Node, batch: Tensor) -> Tensor:
    """What a layer gets to see in the 8-bit network."""
    twin = next(node for node in sim.graph.nodes if node.name == layer.name)
    source = twin.args[0]
    inputs: list[Tensor] = []

    class _Watch(fx.Interpreter):
        def run_node(self, n: fx.Node) -> object:
            value = super().run_node(n)
            if n is source:
                inputs.append(value)
            return value

    _Watch(sim).run(batch)
    return inputs[0]


def _learn(
    layer: fx.Node, weight: Tensor, bias: Tensor | None, inputs: Tensor, target: Tensor, config: RoundingConfig
) -> Tensor:
    shape = (-1, *[1] * (weight.ndim - 1))
    scale = (weight.abs().flatten(1).amax(1).clamp(min=1e-9) / 127).reshape(shape)
    down = torch.floor(weight / scale)
    rest = (weight / scale - down).clamp(0.01, 0.99)
    fixed = (weight / scale).abs() > 126.5  # the largest weight defines the scale and stays
    choice = torch.logit((rest + 0.1) / 1.2).requires_grad_()
    optimizer = torch.optim.Adam([choice], lr=config.rate)
    for step in range(config.steps):
        up = (torch.sigmoid(choice) * 1.2 - 0.1).clamp(0, 1)
        tried = torch.where(fixed, torch.round(weight / scale), (down + up).clamp(-127, 127)) * scale
        error = (_run(layer, inputs, tried, bias) - target).square().mean()
        sharp = 20 - 18 * step / config.steps
        undecided = (1 - (2 * up - 1).abs().pow(sharp)).mean() if step > config.steps // 5 else 0.0
        optimizer.zero_grad()
        (error / target.var().clamp(min=1e-9) + config.weight * undecided).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    final = down + (choice.detach() > 0).float()
    return torch.where(fixed, torch.round(weight / scale), final.clamp(-127, 127)) * scale


def _run(layer: fx.Node, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    bias = None if bias is None else bias.detach()
    return layer.target(inputs, weight, bias, *layer.args[3:])  # type: ignore[operator,no-any-return]
