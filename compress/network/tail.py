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
_BEHIND = frozenset(
    {
        aten.flatten.using_ints,
        aten.reshape.default,
        aten.view.default,
        aten.squeeze.dims,
        aten.cat.default,
        aten.slice.Tensor,
    }
)


def last_layers_and_pooling(graph: fx.GraphModule) -> set[fx.Node]:
    """From each output back to its last layer, then to the pooling over the whole picture: quantized, answers tie.

    An output that is what another one's last layer looks at (a classifier's features) ends at that pooling.
    """
    nodes: set[fx.Node] = set()
    ends = [_last_layer(result, nodes) for result in graph.graph.output_node().all_input_nodes]
    layers = [layer for layer in ends if layer is not None]
    nodes.update(layers)
    for layer in layers:
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
    """From before a last layer back to a pooling over the whole picture, or to several that are joined, if nothing
    else looks at what is between."""
    behind = _back_to_pooling(step)
    seen_by = {user for node in behind for user in node.users if user.op != "output"}
    return behind if seen_by <= found | behind else set()


def _back_to_pooling(step: fx.Node) -> set[fx.Node]:
    """The way back from a node to whole poolings; empty where it ends anywhere else."""
    if step.target in _POOLS:
        return {step} if _is_whole_pooling(step) else set()
    if step.target not in _BEHIND:
        return set()
    behind = [_back_to_pooling(source) for source in tensor_inputs(step)]
    return {step}.union(*behind) if all(behind) else set()


def _is_whole_pooling(node: fx.Node) -> bool:
    """Whether what it gives has no places, or no more than an upper and a lower half."""
    if node.target not in _POOLS:
        return False
    rows, *columns = shape_of(node)[2:] or (1,)
    return rows <= 2 and all(n <= 1 for n in columns)
