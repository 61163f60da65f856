"""Which operators compute in 8 bits, which stay float and why: one plan that every format and the simulation follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import fx

from ..network.graph import shape_of, tensor_inputs
from ..network.tail import LAYERS, Tail, last_layers_and_pooling

__all__ = ["INPUT_NODE", "Plan", "make_plan"]

aten = torch.ops.aten

ACTIVATIONS = frozenset({aten.relu.default, aten.hardtanh.default, aten.relu6.default, aten.clamp.default})
MOVES = frozenset(  # the output holds the input's values: it must share the input's scale
    {
        aten.max_pool2d.default,
        aten.avg_pool2d.default,
        aten.adaptive_max_pool2d.default,
        aten.amax.default,
        aten.flatten.using_ints,
        aten.reshape.default,
        aten.view.default,
        aten.permute.default,
        aten.squeeze.dims,
        aten.slice.Tensor,
        aten.pad.default,
        aten.upsample_nearest2d.vec,
    }
)
_COMPUTES = frozenset(
    {
        aten.add.Tensor,
        aten.mul.Tensor,
        aten.sub.Tensor,
        aten.sigmoid.default,
        aten.tanh.default,
        aten.cat.default,
        aten.hardswish.default,
    }
)
_SUMS = frozenset({aten.add.Tensor, aten.sub.Tensor})
_FUSES = LAYERS | {aten.add.Tensor, aten.mul.Tensor, aten.sub.Tensor}
_RANGE_IS_GIVEN = frozenset({aten.sigmoid.default, aten.tanh.default})
INPUT_NODE = "prepared"  # the network's input, by the name that model files give it


@dataclass(frozen=True)
class Plan:
    """Operators by the names of their graph nodes."""

    integer: frozenset[str]
    left_float: Mapping[str, str] = field(default_factory=dict)  # name → why
    fused: Mapping[str, str] = field(default_factory=dict)  # a layer → the activation that clamps its output
    points: tuple[str, ...] = ()  # tensors that become 8 bits, in graph order
    shared: Mapping[str, str] = field(default_factory=dict)  # tensor → the tensor whose range it shares
    added: tuple[frozenset[str], ...] = ()  # ranges, by the tensors that stand for them, that meet in additions
    outputs: Mapping[str, str] = field(default_factory=dict)  # a file's output → the node that makes it

    def group(self, name: str) -> str:
        """The tensor that stands for all those that share a range."""
        while self.shared.get(name, name) != name:
            name = self.shared[name]
        return name


def make_plan(
    graph: fx.GraphModule,
    *,
    outputs: tuple[str, ...],
    keep_float: frozenset[str] = frozenset(),
    full_integer: bool = False,
    tail: Tail = last_layers_and_pooling,
) -> Plan:
    """The plan of a convolutional network; layers named in `keep_float` stay float, and so does its tail."""
    nodes = [node for node in graph.graph.nodes if node.op == "call_function" and shape_of(node)]
    ends = set() if full_integer else tail(graph)
    if all(node in ends for node in nodes if node.target in LAYERS):
        ends = set()  # a network of one layer: left float, nothing would be quantized
    left: dict[str, str] = {}
    for node in nodes:
        if node in ends:
            left[node.name] = "the end of the network stays float: quantized answers tie"
        elif node.name in keep_float:
            left[node.name] = "costs too much accuracy in 8 bits"
        elif reason := _unsuited(node):
            left[node.name] = reason
    fused = {
        node.name: next(iter(node.users)).name
        for node in nodes
        if node.target in _FUSES and _activation_of(node) and node.name not in left
    }
    for node in nodes:  # an activation that no layer takes along has no 8-bit form of its own but plain ReLU's
        clamps = node.target in ACTIVATIONS - {aten.relu.default}
        if clamps and node.name not in fused.values():
            left.setdefault(node.name, "an activation without a layer to fuse into")
        if node.name in fused.values() and node.name in left:
            fused = {layer: activation for layer, activation in fused.items() if activation != node.name}
    integer = frozenset(node.name for node in nodes if node.name not in left)
    points = _points(graph, integer, fused)
    named = dict(zip(outputs, (n.name for n in graph.graph.output_node().all_input_nodes), strict=False))
    shared = _shared(nodes, integer)
    return Plan(integer, left, fused, points, shared, _added(nodes, integer, fused, shared), named)


def _unsuited(node: fx.Node) -> str:
    if node.target in LAYERS or node.target in ACTIVATIONS or node.target in MOVES:
        return ""
    if node.target not in _COMPUTES:
        return "has no 8-bit form in both formats"
    if node.target in (aten.add.Tensor, aten.mul.Tensor, aten.sub.Tensor) and len(tensor_inputs(node)) == 1:
        squares = node.args[0] is node.args[1]
        scales = node.target == aten.mul.Tensor and isinstance(node.args[1], (int, float))
        return "" if squares or scales else "computes with a constant"
    return ""


def _activation_of(node: fx.Node) -> fx.Node | None:
    """The activation that is a node's only user."""
    if len(node.users) != 1:
        return None
    user = next(iter(node.users))
    return user if user.target in ACTIVATIONS and _clamps_from_zero(user) else None


def _clamps_from_zero(node: fx.Node) -> bool:
    if node.target in (aten.relu.default, aten.relu6.default):
        return True
    return tuple(node.args[1:3]) in ((0, 6), (0.0, 6.0))


def _points(graph: fx.GraphModule, integer: frozenset[str], fused: Mapping[str, str]) -> tuple[str, ...]:
    names = []
    for node in graph.graph.nodes:
        if node.op not in ("call_function", "placeholder") or not shape_of(node):
            continue
        made_in_8_bits = node.name in integer and node.name not in fused
        taken_in_8_bits = any(user.name in integer for user in node.users)
        if (made_in_8_bits or taken_in_8_bits) and node.name not in fused:
            names.append(node.name)
    return tuple(names)


def _shared(nodes: list[fx.Node], integer: frozenset[str]) -> dict[str, str]:
    groups = _Groups()
    for node in nodes:
        if node.name in integer and (node.target in MOVES or node.target == aten.cat.default):
            for source in tensor_inputs(node):
                groups.join(source.name, node.name)
    return groups.leaders()


def _added(
    nodes: list[fx.Node], integer: frozenset[str], fused: Mapping[str, str], shared: Mapping[str, str]
) -> tuple[frozenset[str], ...]:
    """Groups of what is added: the terms and the sum. What a range is given for cannot follow the others."""
    given = {node.name for node in nodes if node.target in _RANGE_IS_GIVEN}
    given |= {source.name for node in nodes for source in tensor_inputs(node) if source.op == "placeholder"}
    given = {shared.get(name, name) for name in given}
    groups = _Groups()
    for node in nodes:
        names = [source.name for source in tensor_inputs(node)]
        if node.name not in integer or node.target not in _SUMS or len(names) != 2:
            continue
        first, *others = [shared.get(name, name) for name in (*names, fused.get(node.name, node.name))]
        if not given & {first, *others}:
            for other in others:
                groups.join(first, other)
    joined: dict[str, set[str]] = {}
    for name, leader in groups.leaders().items():
        joined.setdefault(leader, {leader}).add(name)
    return tuple(frozenset(names) for names in joined.values())


class _Groups:
    """Names that belong together, each group with a leader."""

    def __init__(self) -> None:
        self._leader: dict[str, str] = {}

    def find(self, name: str) -> str:
        while self._leader.get(name, name) != name:
            name = self._leader[name]
        return name

    def join(self, first: str, second: str) -> None:
        """One group of two; the first one's leader leads."""
        self._leader[self.find(second)] = self.find(first)

    def leaders(self) -> dict[str, str]:
        return {name: self.find(name) for name in self._leader}
