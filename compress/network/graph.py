"""A torch network as one flat graph: traced once, batch norm folded, the same graph for every exporter and observer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx, nn

from edgelens.runtime.errors import ModelError
from edgelens.runtime.preprocess import PixelContract

from ..host.quiet import quiet
from .answers import in_order
from .fold import constant, fold_batch_norms, set_parameter

__all__ = ["example_input", "is_convolutional", "shape_of", "tensor_inputs", "trace"]

aten = torch.ops.aten

# what decomposes the same way in every exporter, so that ranges found on the torch side fit both formats
_SHARED = {
    aten.conv2d.default,
    aten.linear.default,
    aten.relu.default,
    aten.relu_.default,
    aten.hardtanh.default,
    aten.hardtanh_.default,
    aten.relu6.default,
    aten.clamp.default,
    aten.sigmoid.default,
    aten.tanh.default,
    aten.leaky_relu.default,
    aten.hardswish.default,
    aten.hardswish_.default,
    aten.hardsigmoid.default,
    aten.add.Tensor,
    aten.add_.Tensor,
    aten.mul.Tensor,
    aten.sub.Tensor,
    aten.cat.default,
    aten.max_pool2d.default,
    aten.avg_pool2d.default,
    aten.adaptive_avg_pool2d.default,
    aten.adaptive_max_pool2d.default,
    aten.amax.default,
    aten.mean.dim,
    aten.flatten.using_ints,
    aten.reshape.default,
    aten.view.default,
    aten.permute.default,
    aten.squeeze.dims,
    aten.slice.Tensor,
    aten.contiguous.default,
    aten.clone.default,
    aten.pad.default,
    aten.upsample_nearest2d.vec,
    aten.sym_size.int,
}

_NOTHING = frozenset({aten.dropout.default, aten.contiguous.default, aten.clone.default})  # in evaluation mode


def example_input(pixels: PixelContract, batch: int = 2) -> torch.Tensor:
    """Normalised noise of a network's input shape, (B, C, H, W)."""
    shape = (batch, pixels.channels, pixels.height, pixels.width)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def trace(module: nn.Module, pixels: PixelContract, outputs: Sequence[str] = ()) -> fx.GraphModule:
    """The network in evaluation mode as a graph of aten operators on (B, C, H, W), batch norm folded, B free.

    Several outputs come in the order of their names.
    """
    ordered = in_order(module, outputs).eval()
    batch = torch.export.Dim("batch", min=1, max=65536)
    try:
        with quiet():
            program = torch.export.export(ordered, (example_input(pixels),), dynamic_shapes=({0: batch},))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ModelError(f"{type(module).__name__}: torch.export cannot trace the network ({reason})") from error
    graph = _plain(program.module())
    _normalise(graph)
    fold_batch_norms(graph)
    _decompose(graph)
    graph.graph.eliminate_dead_code()
    graph.graph.lint()
    graph.recompile()
    _require_apart(graph, outputs, type(module).__name__)
    return graph


def is_convolutional(graph: fx.GraphModule) -> bool:
    """Whether every operator is one that both exporters translate the same way (no attention, no recurrence)."""
    return all(node.target in _SHARED for node in graph.graph.nodes if node.op == "call_function")


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """A node's shape, -1 for an axis that varies."""
    value = node.meta.get("val")
    return tuple(int(n) if isinstance(n, int) else -1 for n in getattr(value, "shape", ()))


def tensor_inputs(node: fx.Node) -> list[fx.Node]:
    """The nodes a node computes on, parameters left out."""
    return [
        source for source in node.all_input_nodes if source.op in ("call_function", "placeholder") and shape_of(source)
    ]


def _require_apart(graph: fx.GraphModule, outputs: Sequence[str], network: str) -> None:
    """Model files know a tensor by one name: two outputs must be two tensors."""
    results: Any = graph.graph.output_node().args[0]
    seen: dict[Any, str] = {}
    for name, node in zip(outputs, results if isinstance(results, (tuple, list)) else (results,), strict=False):
        if node in seen:
            raise ModelError(f"{network}: gives one tensor as two outputs, {seen[node]} and {name}: leave one out")
        seen[node] = name


def _plain(exported: nn.Module) -> fx.GraphModule:
    """The exported module without its calling convention and guards, so that it can be edited and exported again."""
    assert isinstance(exported, fx.GraphModule)
    graph = exported.graph
    for node in list(graph.nodes):
        if node.op == "call_module":
            graph.erase_node(node)
    graph.set_codegen(fx.graph.CodeGen())
    output = graph.output_node()
    results: Any = output.args[0]
    if isinstance(results, (tuple, list)):
        output.args = (results[0] if len(results) == 1 else tuple(results),)
    return fx.GraphModule(exported, graph).eval()


def _normalise(module: fx.GraphModule) -> None:
    """Pooling over the whole picture as one operator that no exporter wraps in transposes; one spelling of others."""
    graph = module.graph
    plain = {aten.relu_.default: aten.relu.default, aten.hardtanh_.default: aten.hardtanh.default,
             aten.add_.Tensor: aten.add.Tensor, aten.hardswish_.default: aten.hardswish.default,
             aten.silu_.default: aten.silu.default}  # fmt: skip
    for node in list(graph.nodes):
        if node.target in plain:
            node.target = plain[node.target]
        elif node.target == aten.squeeze.dim:
            node.target, node.args = aten.squeeze.dims, (node.args[0], [node.args[1]])
        elif node.target == aten._assert_tensor_metadata.default:
            graph.erase_node(node)
        elif node.target in _NOTHING or _keeps_number_format(node):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif _pools_everything(node):
            source = node.args[0]
            assert isinstance(source, fx.Node)
            _replace_pool(graph, node, source)


def _keeps_number_format(node: fx.Node) -> bool:
    """Whether a node brings numbers to the format that they have already."""
    source = node.args[0] if node.target == aten.to.dtype else None
    return isinstance(source, fx.Node) and source.meta["val"].dtype == node.args[1]


def _pools_everything(node: fx.Node) -> bool:
    """Whether a node averages over height and width."""
    source = node.args[0] if node.op == "call_function" and node.args else None
    if not isinstance(source, fx.Node) or len(shape_of(source)) != 4:
        return False
    if node.target == aten.adaptive_avg_pool2d.default:
        return list(node.args[1]) in ([1, 1], [1])  # type: ignore[arg-type]
    axes: Any = node.args[1] if node.target == aten.mean.dim else ()
    return sorted(axis % 4 for axis in axes) == [2, 3]


def _replace_pool(graph: fx.Graph, node: fx.Node, source: fx.Node) -> None:
    _, channels, height, width = shape_of(source)
    value = source.meta["val"]
    with graph.inserting_before(node):
        pooled = graph.call_function(aten.avg_pool2d.default, (source, [height, width]))
        pooled.meta["val"] = value.new_empty((value.shape[0], channels, 1, 1))
        last = pooled
        if len(shape_of(node)) == 2:
            last = graph.call_function(aten.flatten.using_ints, (pooled, 1))
            last.meta["val"] = value.new_empty((value.shape[0], channels))
    node.replace_all_uses_with(last)
    graph.erase_node(node)


def _decompose(module: fx.GraphModule) -> None:
    """Activations as the steps that every exporter makes of them."""
    for node in list(module.graph.nodes):
        if node.target == aten.silu.default:
            _as_gate(module.graph, node)
        elif node.target == aten.hardsigmoid.default:
            _as_clamp(module, node)


def _as_gate(graph: fx.Graph, node: fx.Node) -> None:
    """SiLU as x · sigmoid(x)."""
    source = node.args[0]
    with graph.inserting_before(node):
        gate = graph.call_function(aten.sigmoid.default, (source,))
        product = graph.call_function(aten.mul.Tensor, (source, gate))
    gate.meta["val"] = product.meta["val"] = node.meta["val"]
    node.replace_all_uses_with(product)
    graph.erase_node(node)


def _as_clamp(module: fx.GraphModule, node: fx.Node) -> None:
    """Hard sigmoid of a layer as ReLU6 / 6, its + 3 in the layer's bias: two steps that 8 bits take exactly."""
    layer = node.args[0]
    if not isinstance(layer, fx.Node) or layer.target != aten.conv2d.default or len(layer.users) > 1:
        return
    bias = constant(module, layer.args[2] if len(layer.args) > 2 else None)
    if bias is None or not isinstance(layer.args[2], fx.Node):
        return
    set_parameter(module, str(layer.args[2].target), bias + 3)
    with module.graph.inserting_before(node):
        clamped = module.graph.call_function(aten.hardtanh.default, (layer, 0.0, 6.0))
        scaled = module.graph.call_function(aten.mul.Tensor, (clamped, 1 / 6))
    clamped.meta["val"] = scaled.meta["val"] = node.meta["val"]
    node.replace_all_uses_with(scaled)
    module.graph.erase_node(node)
