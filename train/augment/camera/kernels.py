"""A blur of its own for every sample: one depthwise convolution for all of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["convolved", "offsets"]


def offsets(reach: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """x (1, K) and y (K, 1) of a kernel's cells, in pixels from its middle; K = 2 · reach + 1."""
    places = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32)
    return places[None, :], places[:, None]


def convolved(images: Tensor, kernels: Tensor) -> Tensor:
    """Images (B, C, H, W) each blurred with its own kernel of kernels (B, K, K), which need not sum to 1 yet."""
    B, C, H, W = images.shape
    reach = kernels.shape[1] // 2
    weights = (kernels / kernels.sum((1, 2), keepdim=True))[:, None].expand(B, C, -1, -1)
    padded = F.pad(images, [reach] * 4, mode="replicate").reshape(1, B * C, H + 2 * reach, W + 2 * reach)
    return F.conv2d(padded, weights.reshape(B * C, 1, *kernels.shape[1:]), groups=B * C).view(B, C, H, W)
