"""Flattened pictures in the order TFLite keeps them in, so that no TRANSPOSE stands before a dense layer."""

from __future__ import annotations

import copy

import torch
from torch import fx

from ..network.fold import constant, set_parameter
from ..network.graph import shape_of

__all__ = ["flatten_channels_last"]

aten = torch.ops.aten
_FLATTENS = (aten.flatten.using_ints, aten.view.default, aten.reshape.default)


def flatten_channels_last(graph: fx.GraphModule) -> fx.GraphModule:
    """A copy of the graph that flattens (H, W, C) instead of (C, H, W); the dense layers' weights are reordered."""
    changed = copy.deepcopy(graph)
    for node in list(changed.graph.nodes):
        if node.target in _FLATTENS and _feeds_dense_layers(node):
            _reorder(changed, node)
    changed.recompile()
    return changed


def _feeds_dense_layers(node: fx.Node) -> bool:
    source = node.args[0]
    if not isinstance(source, fx.Node):
        return False
    before, after = shape_of(source), shape_of(node)
    spatial = len(before) == 4 and len(after) == 2 and before[1] > 1 and before[2] * before[3] > 1
    return spatial and all(user.target == aten.linear.default and len(user.args[1].users) == 1 for user in node.users)  # type: ignore[union-attr]


def _reorder(module: fx.GraphModule, node: fx.Node) -> None:
    source = node.args[0]
    assert isinstance(source, fx.Node)
    _, channels, height, width = shape_of(source)
    with module.graph.inserting_before(node):
        last = module.graph.call_function(aten.permute.default, (source, [0, 2, 3, 1]))
    node.replace_input_with(source, last)
    for layer in node.users:
        weight = constant(module, layer.args[1])
        assert weight is not None
        columns = weight.reshape(-1, channels, height, width).permute(0, 2, 3, 1).reshape(len(weight), -1)
        set_parameter(module, str(layer.args[1].target), columns)  # type: ignore[union-attr]
