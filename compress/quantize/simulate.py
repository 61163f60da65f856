"""The 8-bit network in torch: fake quantization where the plan says so, gradients straight through the rounding."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..network.fold import constant, set_parameter
from ..network.tail import LAYERS
from .ranges import Quantized, Range, settled

__all__ = ["ActivationQuantizer", "learned_ranges", "round_through", "simulate", "trained_graph", "weights_on_grid"]

_PREFIX = "quantize_"


def round_through(x: Tensor) -> Tensor:
    """Rounded numbers whose gradient is the unrounded ones'."""
    return x + (torch.round(x) - x).detach()


class _OnGrid(torch.autograd.Function):
    """(clamp(round(x / scale) + zero, 0, 255) - zero) * scale, gradients straight through the rounding.

    Written out, since autograd would keep every step of it: a training in 8 bits takes half the time and memory.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
        steps = (x / scale).round_().add_(zero)
        inside = steps.clamp(0, 255)
        kept = steps == inside
        y = inside.sub_(zero).mul_(scale)
        ctx.save_for_backward(x, y, kept, scale)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        x, y, kept, scale = ctx.saved_tensors
        through = grad * kept
        if not any(ctx.needs_input_grad[1:]):
            return through, None, None
        to_scale = ((grad * y).sum() - (through * x).sum()) / scale
        return through, to_scale, (through.sum() - grad.sum()) * scale


class ActivationQuantizer(nn.Module):
    """Rounds a tensor to 256 steps of a range that can be learned; zero is always one of them."""

    def __init__(self, chosen: Range, *, learn: bool) -> None:
        super().__init__()
        self.low = nn.Parameter(torch.tensor(min(float(chosen.low), 0.0)), requires_grad=learn)
        self.high = nn.Parameter(torch.tensor(max(float(chosen.high), 0.0)), requires_grad=learn)

    def forward(self, x: Tensor) -> Tensor:
        """The same tensor on the grid."""
        low, high = self.low.clamp(max=0.0), self.high.clamp(min=0.0)
        scale = (high - low).clamp(min=1e-9) / 255
        rounded: Tensor = _OnGrid.apply(x, scale, round_through(-low / scale))  # type: ignore[no-untyped-call]
        return rounded

    def range(self) -> Range:
        """The range as it is now."""
        return Range(min(float(self.low.detach()), 0.0), max(float(self.high.detach()), 0.0))


class WeightQuantizer(nn.Module):
    """Rounds a layer's weights to ±127 steps a channel."""

    def forward(self, weight: Tensor) -> Tensor:
        """The same weights on the grid."""
        return weights_on_grid(weight)


def weights_on_grid(weight: Tensor) -> Tensor:
    """Weights (O, …) rounded to multiples of the largest of their channel / 127."""
    largest = weight.detach().abs().flatten(1).amax(1).clamp(min=1e-9) / 127
    scale = largest.reshape(-1, *[1] * (weight.ndim - 1))
    return round_through(weight / scale).clamp(-127, 127) * scale


def simulate(graph: fx.GraphModule, quantized: Quantized, *, learn: bool = False) -> fx.GraphModule:
    """A copy of the graph that computes what the 8-bit files will; tensors that share a range share its quantizer."""
    sim = copy.deepcopy(graph)
    plan = quantized.plan
    by_name = {node.name: node for node in sim.graph.nodes}
    for name in plan.points:
        node = by_name[name]
        takers = list(node.users)
        if node.op != "placeholder" and name not in plan.integer:
            takers = [user for user in takers if user.name in plan.integer]
        module = _PREFIX + plan.group(name)
        if not hasattr(sim, module):
            fixed = node.op == "placeholder"
            sim.add_submodule(module, ActivationQuantizer(quantized.of(name), learn=learn and not fixed))
        with sim.graph.inserting_after(node):
            rounded = sim.graph.call_module(module, (node,))
        for user in takers:
            user.replace_input_with(node, rounded)
    sim.add_submodule("weights_on_grid", WeightQuantizer())
    for node in list(sim.graph.nodes):
        if node.target in LAYERS and node.name in plan.integer:
            weight = node.args[1]
            with sim.graph.inserting_before(node):
                rounded = sim.graph.call_module("weights_on_grid", (weight,))
            node.args = (node.args[0], rounded, *node.args[2:])
    sim.graph.lint()
    sim.recompile()
    return sim


def learned_ranges(sim: fx.GraphModule, quantized: Quantized) -> Quantized:
    """The ranges that a simulation has learned, for every tensor that shares one."""
    learned = {name: module.range() for name, module in sim.named_children() if isinstance(module, ActivationQuantizer)}
    ranges = dict(quantized.ranges)
    for name in quantized.plan.points:
        ranges[name] = learned[_PREFIX + quantized.plan.group(name)]
    ranges = settled(quantized.plan, ranges, shared_scale=quantized.shared_scale)
    return replace(quantized, ranges=ranges)


def trained_graph(graph: fx.GraphModule, sim: fx.GraphModule) -> fx.GraphModule:
    """The clean graph with the simulation's weights."""
    clean = copy.deepcopy(graph)
    for node in clean.graph.nodes:
        if node.op == "get_attr" and (value := _value(sim, node)) is not None:
            set_parameter(clean, str(node.target), value)
    return clean


def _value(sim: fx.GraphModule, node: fx.Node) -> Tensor | None:
    twin: Any = next((n for n in sim.graph.nodes if n.op == "get_attr" and n.target == node.target), None)
    return constant(sim, twin)
