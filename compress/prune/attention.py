"""Heads and inner widths of attention blocks: whole heads go, so that the rest keep their size."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

__all__ = ["has_attention", "prune_attention"]


def has_attention(network: nn.Module) -> bool:
    """Whether a network has blocks that this file can prune."""
    return any(True for _ in _attentions(network))


def prune_attention(network: nn.Module, heads: float, width: float, *, round_to: int = 8) -> nn.Module:
    """A copy that keeps a share of every block's heads (one at least) and of its inner width, the strongest of each."""
    smaller = copy.deepcopy(network).eval()
    for attention in _attentions(smaller):
        _keep_heads(attention, heads)
    for expand, shrink in _perceptrons(smaller):
        _keep_width(expand, shrink, width, round_to)
    return smaller


def _attentions(network: nn.Module) -> Iterator[nn.Module]:
    for module in network.modules():
        if all(isinstance(getattr(module, name, None), nn.Linear) for name in ("query", "key", "value", "out")):
            yield module


def _perceptrons(network: nn.Module) -> Iterator[tuple[nn.Linear, nn.Linear]]:
    for module in network.modules():
        expand, shrink = getattr(module, "expand", None), getattr(module, "shrink", None)
        if isinstance(expand, nn.Linear) and isinstance(shrink, nn.Linear):
            yield expand, shrink


def _keep_heads(attention: nn.Module, share: float) -> None:
    size = int(attention.head_dim)  # type: ignore[arg-type]
    query, key, value, out = (getattr(attention, name) for name in ("query", "key", "value", "out"))
    count = query.out_features // size
    strength = torch.stack([_norm(layer.weight, size) for layer in (query, key, value)]).sum(0)
    strength = strength + _norm(out.weight.T, size)
    kept = strength.argsort(descending=True)[: max(round(share * count), 1)].sort().values
    rows = (kept[:, None] * size + torch.arange(size)).flatten()
    for layer in (query, key, value):
        _keep_rows(layer, rows)
    _keep_columns(out, rows)


def _keep_width(expand: nn.Linear, shrink: nn.Linear, share: float, round_to: int) -> None:
    strength = expand.weight.detach().norm(dim=1) * shrink.weight.detach().norm(dim=0)
    count = max(round(share * len(strength) / round_to) * round_to, round_to)
    rows = strength.argsort(descending=True)[:count].sort().values
    _keep_rows(expand, rows)
    _keep_columns(shrink, rows)


def _norm(weight: Tensor, size: int) -> Tensor:
    strength: Tensor = weight.detach().reshape(-1, size, weight.shape[1]).flatten(1).norm(dim=1)
    return strength


def _keep_rows(layer: nn.Linear, rows: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[rows].clone())
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows].clone())
    layer.out_features = len(rows)


def _keep_columns(layer: nn.Linear, columns: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[:, columns].clone())
    layer.in_features = len(columns)
