"""Where a graph ends: the last layer before each of its outputs, and the pooling before that."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import fx

from .graph import shape_of, tensor_inputs

__all__ = ["LAYERS", "Tail", "last_layers_and_pooling"]

Tail = Callable[[fx.GraphModule], set[fx.Node]]  # what stays float at the outputs

aten = torch.ops.aten

LAYERS = frozenset({aten.conv2d.default, aten.linear.default})
_POOLS = frozenset(
    {aten.avg_pool2d.default, aten.adaptive_max_pool2d.default, aten.amax.default, aten.max_pool2d.default}
)
_BEHIND = _POOLS | frozenset({aten.flatten.using_ints, aten.reshape.default, aten.view.default, aten.squeeze.dims})


def last_layers_and_pooling(graph: fx.GraphModule) -> set[fx.Node]:
    """From each output back to its last layer, then to the pooling over the whole picture: quantized, answers tie.

    An output that is what another one's last layer looks at (a classifier's features) ends at that pooling.
    """
    nodes: set[fx.Node] = set()
    for result in graph.graph.output_node().all_input_nodes:
        layer = _last_layer(result, nodes)
        if layer is not None:
            nodes.add(layer)
            nodes.update(_pooling_behind(tensor_inputs(layer)[0], nodes))
    return nodes


def _last_layer(result: fx.Node, found: set[fx.Node]) -> fx.Node | None:
    """The layer that an output comes of; what lies between is found too. None where it is another one's features."""
    node: fx.Node | None = result
    shared = False
    while node is not None and node.op == "call_function" and node.target not in LAYERS:
        found.add(node)
        shared = shared or len(node.users) > 1
        if shared and _is_whole_pooling(node):
            return None
        node = tensor_inputs(node)[0] if len(tensor_inputs(node)) == 1 else None
    return node if node is not None and node.target in LAYERS else None


def _pooling_behind(step: fx.Node, found: set[fx.Node]) -> set[fx.Node]:
    """From before a last layer back to a pooling over the whole picture, if nothing else looks at what is between."""
    behind: set[fx.Node] = set()
    while step.target in _BEHIND and all(user.op == "output" or user in found | behind for user in step.users):
        behind.add(step)
        if step.target in _POOLS:
            return behind if _is_whole_pooling(step) else set()
        step = tensor_inputs(step)[0]
    return set()


def _is_whole_pooling(node: fx.Node) -> bool:
    return node.target in _POOLS and all(n <= 1 for n in shape_of(node)[2:])
