"""Random erasing: rectangles are missing, so that no single part of a picture decides alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws

__all__ = ["Erasing", "boxes", "erase"]


@dataclass(frozen=True)
class Erasing:
    """For which share of the pictures, the missing area's bounds as fractions, and its largest proportion."""

    probability: float = 0.25
    area: tuple[float, float] = (0.02, 0.2)
    ratio: float = 3.0


def erase(images: Tensor, config: Erasing, draws: Draws) -> Tensor:
    """Images with a rectangle filled with the picture's own mean, as the readers fill pixels that are missing."""
    on = draws.chosen("erasing", config.probability)
    inside = boxes(draws, "erasing box", config.area, config.ratio, images.shape[2], images.shape[3])
    mean = images.mean((2, 3), keepdim=True)
    return torch.where((inside & on[:, None, None])[:, None], mean, images)


def boxes(draws: Draws, stream: str, area: tuple[float, float], ratio: float, height: int, width: int) -> Tensor:
    """(B, H, W) bool: True inside each sample's rectangle, which lies wholly in the picture."""
    size, stretch, across, down = draws.uniforms(stream, 4).unbind(1)
    size = (area[0] + size * (area[1] - area[0])) * height * width
    stretch = torch.exp((stretch * 2 - 1) * math.log(ratio) / 2)
    h = (size.sqrt() * stretch).round().clamp(1, height)
    w = (size.sqrt() / stretch).round().clamp(1, width)
    top, left = (down * (height - h + 1)).floor(), (across * (width - w + 1)).floor()
    return _span(top, h, height)[:, :, None] & _span(left, w, width)[:, None, :]


def _span(start: Tensor, length: Tensor, size: int) -> Tensor:
    places = torch.arange(size, device=start.device)
    return (places >= start[:, None]) & (places < (start + length)[:, None])
