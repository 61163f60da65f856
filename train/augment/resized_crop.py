"""A part of the picture, of any place, size and proportions, brought to the full size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws
from .warp import affine

__all__ = ["ResizedCrop", "matrices"]


@dataclass(frozen=True)
class ResizedCrop:
    """How much of the picture's area is kept at least, and how far the part's proportions may differ from it."""

    area: float = 0.4
    ratio: float = 4 / 3


def matrices(config: ResizedCrop, draws: Draws, height: int, width: int) -> Tensor:
    """(B, 3, 3) of each sample's part."""
    area, ratio, across, down = draws.uniforms("resized crop", 4).unbind(1)
    area = config.area + (1 - config.area) * area
    stretch = torch.exp((ratio * 2 - 1) * math.log(config.ratio) / 2)
    w = (area.sqrt() * stretch).clamp(max=1.0)
    h = (area.sqrt() / stretch).clamp(max=1.0)
    unit = min(height, width)
    x = (across * 2 - 1) * (1 - w) * (width / unit)
    y = (down * 2 - 1) * (1 - h) * (height / unit)
    return affine([[w, 0, x], [0, h, y]], len(draws), draws.keys.device)
