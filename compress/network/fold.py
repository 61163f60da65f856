"""Batch norm folded into the layer before it: one multiplication fewer, and no range of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

__all__ = ["constant", "fold_batch_norms", "set_parameter"]

aten = torch.ops.aten
_FOLDS_INTO = (aten.conv2d.default, aten.linear.default)


def fold_batch_norms(module: fx.GraphModule) -> int:
    """Fold every batch norm whose only input is a layer used by nothing else; says how many."""
    folded = 0
    for node in list(module.graph.nodes):
        if node.target != aten.batch_norm.default:
            continue
        layer = node.args[0]
        if layer.target in _FOLDS_INTO and len(layer.users) == 1 and _weight_users(layer) == 1:
            _fold(module, layer, node)
            folded += 1
        else:
            _as_scale_and_shift(module, node)
    return folded


def constant(module: fx.GraphModule, node: Any) -> torch.Tensor | None:
    """The parameter or buffer that a `get_attr` node names; None for anything else."""
    if not isinstance(node, fx.Node) or node.op != "get_attr":
        return None
    owner, _, leaf = str(node.target).rpartition(".")
    value = getattr(module.get_submodule(owner), leaf)
    return value if isinstance(value, torch.Tensor) else None


def set_parameter(module: fx.GraphModule, name: str, value: torch.Tensor) -> None:
    """Give a dotted parameter a new value of any shape."""
    owner, _, leaf = name.rpartition(".")
    parent = module.get_submodule(owner)
    if hasattr(parent, leaf):
        delattr(parent, leaf)
    parent.register_parameter(leaf, nn.Parameter(value.detach().clone()))


def _weight_users(layer: fx.Node) -> int:
    weight = layer.args[1]
    return len(weight.users) if isinstance(weight, fx.Node) else 0


def _scale_and_shift(module: fx.GraphModule, norm: fx.Node) -> tuple[torch.Tensor, torch.Tensor]:
    gain, bias, mean, variance = (constant(module, norm.args[i]) for i in (1, 2, 3, 4))
    assert mean is not None
    assert variance is not None
    eps = float(norm.args[7])  # type: ignore[arg-type]
    scale = 1.0 / torch.sqrt(variance.double() + eps)
    if gain is not None:
        scale = scale * gain.double()
    shift = -mean.double() * scale
    return scale, shift if bias is None else shift + bias.double()


def _fold(module: fx.GraphModule, layer: fx.Node, norm: fx.Node) -> None:
    scale, shift = _scale_and_shift(module, norm)
    weight_node = layer.args[1]
    weight = constant(module, weight_node)
    assert weight is not None
    assert isinstance(weight_node, fx.Node)
    arguments = list(layer.args) + [None] * (3 - len(layer.args))
    bias = constant(module, arguments[2])
    shift = shift if bias is None else shift + bias.double() * scale
    name = str(weight_node.target)
    stem = name.removesuffix("weight")
    bias_name = str(arguments[2].target) if isinstance(arguments[2], fx.Node) else f"{stem}bias"
    wide = scale.reshape(-1, *[1] * (weight.ndim - 1))
    set_parameter(module, name, (weight.double() * wide).to(weight.dtype))
    set_parameter(module, bias_name, shift.to(weight.dtype))
    if not isinstance(arguments[2], fx.Node):
        with module.graph.inserting_before(layer):
            arguments[2] = module.graph.get_attr(bias_name)
    layer.args = tuple(arguments)
    norm.replace_all_uses_with(layer)
    module.graph.erase_node(norm)


def _as_scale_and_shift(module: fx.GraphModule, norm: fx.Node) -> None:
    """A batch norm that cannot be folded (pre-activation networks) as one multiplication and one addition."""
    scale, shift = _scale_and_shift(module, norm)
    weight = constant(module, norm.args[3])
    assert weight is not None
    source = norm.args[0]
    shape = (1, -1) + (1,) * (norm.meta["val"].ndim - 2)
    with module.graph.inserting_before(norm):
        for suffix, value in (("scale", scale), ("shift", shift)):
            set_parameter(module, f"{norm.name}_{suffix}", value.reshape(shape).to(weight.dtype))
        gain = module.graph.get_attr(f"{norm.name}_scale")
        scaled = module.graph.call_function(aten.mul.Tensor, (source, gain))
        offset = module.graph.get_attr(f"{norm.name}_shift")
        shifted = module.graph.call_function(aten.add.Tensor, (scaled, offset))
    scaled.meta["val"] = shifted.meta["val"] = norm.meta["val"]
    norm.replace_all_uses_with(shifted)
    module.graph.erase_node(norm)
