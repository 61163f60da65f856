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
    """From before a last layer back to a pooling over the whole picture, or to several that are joined, if nothing
    else looks at what is between."""
    if any(user.op != "output" and user not in found for user in step.users):
        return set()
    if step.target in _POOLS:
        return {step} if _is_whole_pooling(step) else set()
    sources = tensor_inputs(step)
    if step.target not in _BEHIND and step.target != aten.cat.default:
        return set()
    behind = [_pooling_behind(source, found | {step}) for source in sources]
    return {step}.union(*behind) if all(behind) else set()


def _is_whole_pooling(node: fx.Node) -> bool:
    """Whether what it gives has no places, or no more than an upper and a lower half."""
    if node.target not in _POOLS:
        return False
    rows, *columns = shape_of(node)[2:] or (1,)
    return rows <= 2 and all(n <= 1 for n in columns)
