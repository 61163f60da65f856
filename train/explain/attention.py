"""Attention maps of the attention networks: which patches the answer was gathered from.

Attention of all blocks is rolled out into one (Abnar & Zuidema, 2020: half of every block's output is its own input),
and weighed by what the additive pooling gives each patch. The weights of a picture's patches sum to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from ..task import Reading

__all__ = ["Attention", "attention", "patch_weights"]


@dataclass(frozen=True)
class Attention:
    """Whether the blocks' attention is followed down to the patches, or only the pooling's weights are shown."""

    rollout: bool = True


@torch.no_grad()
def attention(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,  # noqa: ARG001  attention is the same for every answer
    reading: Reading,  # noqa: ARG001
    config: Attention = Attention(),
) -> Tensor:
    """Heat (B, H, W), spread evenly over each patch's pixels; a picture's heat sums to one."""
    weights, rows, columns = patch_weights(network, images, config)
    side = _patch_side(network)
    heat = weights.view(-1, rows, columns) / side**2
    heat = heat.repeat_interleave(side, 1).repeat_interleave(side, 2)
    below, right = images.shape[2] - heat.shape[1], images.shape[3] - heat.shape[2]
    return F.pad(heat, (0, right, 0, below))  # what no whole patch covers was not looked at


@torch.no_grad()
def patch_weights(network: Any, images: Tensor, config: Attention = Attention()) -> tuple[Tensor, int, int]:
    """(B, N) weights of the patches, which sum to one, and the patches' rows and columns."""
    if not hasattr(network, "patches") or not hasattr(network, "pool") or not hasattr(network.pool, "weights"):
        raise UsageError(
            f"--method attention: {type(network).__name__} has no attention; take grad-cam or integrated-gradients"
        )
    grid = network.patches(images)
    tokens = grid.flatten(2).transpose(1, 2) + network.position
    rolled = torch.eye(tokens.shape[1], device=images.device).expand(len(images), -1, -1)
    for block in network.blocks:
        looks = block.attention.weights(block.norm1(tokens)).mean(1)  # (B, N, N), rows sum to one
        rolled = 0.5 * (looks @ rolled) + 0.5 * rolled
        tokens = block(tokens)
    pooled = network.pool.weights(network.norm(tokens)).transpose(1, 2)  # (B, 1, N)
    weights = (pooled @ rolled if config.rollout else pooled)[:, 0]
    return weights, grid.shape[2], grid.shape[3]


def _patch_side(network: Any) -> int:
    return int(network.patches.stride[0])
