"""The wrong idea of white: a picture too warm or too cool, too green or too pink."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some

__all__ = ["WhiteBalance", "unbalance"]


@dataclass(frozen=True)
class WhiteBalance:
    """For which share, and the largest change between red and blue, and of green, as fractions."""

    probability: float = 0.4
    warmth: float = 0.2
    tint: float = 0.08


def unbalance(images: Tensor, config: WhiteBalance, draws: Draws) -> Tensor:
    """Normalised RGB images, some with a cast; gray images have no white to miss."""
    if images.shape[1] != 3:
        return images

    def change(part: Tensor, its: Draws) -> Tensor:
        warmth, tint = (its.uniforms("white balance", 2) * 2 - 1).unbind(1)
        warmth, tint = warmth * config.warmth, tint * config.tint
        gains = torch.stack((1 + warmth, 1 + tint, 1 - warmth), dim=1)
        return (part + 1) * gains[:, :, None, None] - 1

    return on_some(images, draws, "white balance", config.probability, change)
