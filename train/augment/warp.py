"""Every geometric technique of a recipe in one resampling: 3×3 matrices a sample, multiplied, then one grid_sample.

A matrix takes a point of the output to the point of the input that is shown there. Coordinates have their origin in the
image's middle and the half of its shorter side as unit, so that a rotation stays one in images that are not square.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["affine", "identity", "warp"]


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


def warp(images: Tensor, matrices: Tensor, *, perspective: bool) -> Tensor:
    """Images (B, C, H, W) float seen through matrices (B, 3, 3), bilinear; what lies outside is mirrored in."""
    height, width = images.shape[2:]
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
    grid = torch.stack((x * (unit / width), y * (unit / height)), dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
