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
    """From each output back to its last layer, then to the pooling over the whole picture: quantized, answers tie."""
    found: set[fx.Node] = set()
    for result in graph.graph.output_node().all_input_nodes:
        node: fx.Node | None = result
        while node is not None and node.op == "call_function" and node.target not in LAYERS:
            found.add(node)
            node = tensor_inputs(node)[0] if len(tensor_inputs(node)) == 1 else None
        if node is None or node.target not in LAYERS:
            continue
        found.add(node)
        behind: list[fx.Node] = []
        step = tensor_inputs(node)[0]
        while step.target in _BEHIND and len(step.users) == 1:
            behind.append(step)
            if step.target in _POOLS:
                if all(n <= 1 for n in shape_of(step)[2:]):
                    found.update(behind)
                break
            step = tensor_inputs(step)[0]
    return found
