"""Mosaic: a window onto four pictures beside each other: small things, and many neighbours, from few photos.

A sample's tiles are its own picture and its neighbours' in the batch, as with pictures that are mixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws
from .warp import affine

__all__ = ["Mosaic", "canvas", "members", "tile_offsets", "windows"]


@dataclass(frozen=True)
class Mosaic:
    """How often, and how large pictures are shown in it: from `smallest` to `largest` of their size."""

    probability: float = 0.5
    smallest: float = 0.5
    largest: float = 1.2


def members(rows: Tensor, count: int) -> Tensor:
    """(M, 4): whose pictures the mosaics of these samples of a batch of `count` are made of, their own first."""
    near = rows[:, None] ^ torch.arange(4, device=rows.device)
    return near.clamp(max=count - 1)


def canvas(images: Tensor, tiles: Tensor) -> Tensor:
    """(M, 2 H, 2 W, C): the tiles (M, 4) of images (B, H, W, C) in reading order."""
    rows = images.index_select(0, tiles.flatten())
    _, height, width, channels = rows.shape
    laid = rows.view(-1, 2, 2, height, width, channels).transpose(2, 3)
    return laid.reshape(-1, 2 * height, 2 * width, channels)


def tile_offsets(height: int, width: int, device: torch.device) -> Tensor:
    """(4, 4): what is added to corners x1, y1, x2, y2 of a tile to have them on the canvas."""
    places = [(0, 0), (width, 0), (0, height), (width, height)]
    return torch.tensor([[x, y, x, y] for x, y in places], dtype=torch.float32, device=device)


def windows(config: Mosaic, draws: Draws, height: int, width: int) -> Tensor:
    """(M, 3, 3): where each output point (of a picture of this size) lies on the canvas, in the canvas's own unit."""
    across, down, size = draws.uniforms("mosaic", 3).unbind(1)
    shown = 1 / (config.smallest * (config.largest / config.smallest) ** size)  # canvas pixels an output pixel
    unit = min(height, width)
    x = (across * 2 - 1) * (2 - shown).clamp(min=0) * (width / unit) / 2
    y = (down * 2 - 1) * (2 - shown).clamp(min=0) * (height / unit) / 2
    return affine([[shown / 2, 0, x], [0, shown / 2, y]], len(draws), draws.keys.device)
