"""Every geometric technique of a recipe in one resampling: 3×3 matrices a sample, multiplied, then one grid_sample.

A matrix takes a point of the output to the point of the input that is shown there. Coordinates have their origin in the
image's middle and the half of its shorter side as unit, so that a rotation stays one in images that are not square.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Outside", "affine", "identity", "warp"]

Outside = Literal["reflection", "zeros"]


def identity(count: int, device: torch.device) -> Tensor:
    """(B, 3, 3) matrices that leave everything where it is."""
    return torch.eye(3, device=device).repeat(count, 1, 1)


def affine(rows: list[list[Tensor | float]], count: int, device: torch.device) -> Tensor:
    """(B, 3, 3) from two rows of three entries, each a number or one a sample (B,)."""
    matrix = identity(count, device)
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            matrix[:, i, j] = entry
    return matrix


def warp(
    images: Tensor,
    matrices: Tensor,
    *,
    perspective: bool = False,
    size: tuple[int, int] | None = None,
    outside: Outside = "reflection",
) -> Tensor:
    """Images (B, C, H, W) float seen through matrices (B, 3, 3), bilinear.

    What lies outside is mirrored in, or 0, which is gray: a mirrored thing would be one that no box is drawn around.
    `size` is that of what comes out; a matrix then leads to coordinates of the images', which have their own unit.
    """
    height, width = size or images.shape[2:]
    unit = min(height, width)
    xs = (torch.arange(width, device=images.device, dtype=torch.float32) * 2 + 1 - width) / unit
    ys = (torch.arange(height, device=images.device, dtype=torch.float32) * 2 + 1 - height) / unit

    def row(i: int) -> Tensor:
        m = matrices[:, i, :, None, None]  # (B, 3, 1, 1)
        return m[:, 0] * xs + (m[:, 1] * ys[:, None] + m[:, 2])

    x, y = row(0), row(1)
    if perspective:
        depth = row(2)
        x, y = x / depth, y / depth
    high, wide = images.shape[2:]
    own = min(high, wide)
    grid = torch.stack((x * (own / wide), y * (own / high)), dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=outside, align_corners=False)
