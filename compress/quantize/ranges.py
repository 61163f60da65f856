"""Ranges as the numbers that model files hold: a scale and a zero point a tensor, a scale a channel of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from ..network.tail import LAYERS
from .plan import Plan

__all__ = ["PIXELS", "Quantized", "Range", "agree_on_ranges", "settled", "weight_scales"]

aten = torch.ops.aten


@dataclass(frozen=True)
class Range:
    """The real numbers that 8 bits stand for; zero is always one of them."""

    low: float
    high: float

    @property
    def scale(self) -> np.float32:
        """The step between neighbours, in the arithmetic of the TFLite quantizer so that both formats agree."""
        low, high = np.float32(min(self.low, 0.0)), np.float32(max(self.high, 0.0))
        return np.float32(max(high - low, np.float32(1e-9)) / np.float32(255))

    @property
    def zero_point(self) -> int:
        """The uint8 that means zero; an int8 file says 128 less."""
        return int(np.rint(np.float32(-128) - np.float32(min(self.low, 0.0)) / self.scale)) + 128

    def union(self, other: Range) -> Range:
        """The smallest range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))

    def widened(self, width: float) -> Range:
        """The range stretched to a width around its zero."""
        if self.width == 0:
            return Range(0.0, width)
        return Range(min(self.low, 0.0) * width / self.width, max(self.high, 0.0) * width / self.width)

    @property
    def width(self) -> float:
        """From the lowest to the highest number, zero included."""
        return max(self.high, 0.0) - min(self.low, 0.0)


PIXELS = Range(-1.0, 127 / 128)  # (pixel - 128) / 128: scale 1/128, zero point 128: the pixel is the quantized input
_FIXED = {aten.sigmoid.default: Range(0.0, 255 / 256), aten.tanh.default: Range(-1.0, 127 / 128)}


@dataclass(frozen=True)
class Quantized:
    """Everything that a format needs to write the 8-bit network: the plan and every tensor's range."""

    plan: Plan
    ranges: Mapping[str, Range]  # of every observed tensor; points share where the plan says so
    shared_scale: bool = False  # what is added has one scale: sums are exact, and no engine rounds them in its own way

    def of(self, name: str) -> Range:
        """The range of a tensor that becomes 8 bits."""
        return self.ranges[name]


def agree_on_ranges(
    graph: fx.GraphModule, plan: Plan, observed: Mapping[str, tuple[float, float]], *, shared_scale: bool = False
) -> Quantized:
    """Observed limits as ranges: the input pinned to the pixel, fixed ones fixed, shared ones made one."""
    ranges: dict[str, Range] = {}
    for node in graph.graph.nodes:
        if node.name in observed:
            ranges[node.name] = _FIXED.get(node.target, Range(*observed[node.name]))
        if node.op == "placeholder":
            ranges[node.name] = PIXELS
    groups: dict[str, Range] = {}
    for name, own in ranges.items():
        leader = plan.group(name)
        groups[leader] = groups[leader].union(own) if leader in groups else own
    groups |= {plan.group(node.name): PIXELS for node in graph.graph.nodes if node.op == "placeholder"}
    ranges = {name: groups[plan.group(name)] for name in ranges}
    return Quantized(plan, settled(plan, ranges, shared_scale=shared_scale), shared_scale)


def settled(plan: Plan, ranges: Mapping[str, Range], *, shared_scale: bool) -> dict[str, Range]:
    """Ranges as files hold them: a layer has that of the activation it takes along, what is added maybe one scale."""
    done = dict(ranges)
    for together in plan.added if shared_scale else ():
        members = [name for name in ranges if plan.group(name) in together]
        width = max(ranges[name].width for name in members)
        done |= {name: ranges[name].widened(width) for name in members}
    for layer, activation in plan.fused.items():
        if layer in done:
            done[layer] = done[activation]
    return done


def weight_scales(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """A scale for each output channel, (O,): the largest weight becomes ±127."""
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1).astype(np.float32)
    return np.asarray(np.maximum(largest, np.float32(1e-9)) / np.float32(127), np.float32)


def layers(graph: fx.GraphModule) -> list[fx.Node]:
    """The nodes that hold weights, in order."""
    return [node for node in graph.graph.nodes if node.target in LAYERS]
