"""A dark room: little light, pale colours, and the noise that the amplifier brings up with the picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some
from .exposure import gained
from .noise import noisy

__all__ = ["LowLight", "darken"]


@dataclass(frozen=True)
class LowLight:
    """For which share, the stops of light that are missing, and how much of them the camera amplifies back."""

    probability: float = 0.15
    stops: tuple[float, float] = (1.5, 3.5)
    amplified: float = 0.5


def darken(images: Tensor, config: LowLight, draws: Draws) -> Tensor:
    """Normalised images, some of them taken in a dark room."""
    return on_some(images, draws, "low light", config.probability, lambda part, its: _dark(part, config, its))


def _dark(images: Tensor, config: LowLight, draws: Draws) -> Tensor:
    stops = draws.uniform("low light", *config.stops)
    amplified = torch.exp2(stops * config.amplified)
    images = gained(images, torch.exp2(-stops) * amplified)
    if images.shape[1] == 3:
        images = torch.lerp(images.mean(1, keepdim=True), images, 0.7)
    sigma = 0.012 * amplified
    return noisy(images, draws, "low light noise", sigma, sigma)
