"""The chip's noise: one part that is always there, one that grows with the root of the light."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some

__all__ = ["Noise", "add_noise", "noisy"]


@dataclass(frozen=True)
class Noise:
    """For which share, and the largest standard deviations (1 is the full range): in the dark, and added in white."""

    probability: float = 0.4
    read: float = 0.03
    shot: float = 0.05


def add_noise(images: Tensor, config: Noise, draws: Draws) -> Tensor:
    """Normalised images, some of them noisy."""

    def change(part: Tensor, its: Draws) -> Tensor:
        amount = its.uniform("noise amount")
        return noisy(part, its, "noise", amount * config.read, amount * config.shot)

    return on_some(images, draws, "noise", config.probability, change)


def noisy(images: Tensor, draws: Draws, stream: str, read: Tensor, shot: Tensor) -> Tensor:
    """Normalised images with noise of these standard deviations (B,) in the dark and, added, in white."""
    normals = draws.normals(stream, images[0].numel()).view_as(images)
    light = ((images + 1) * 0.5).clamp(0, 1)
    variance = read.square()[:, None, None, None] + shot.square()[:, None, None, None] * light
    return torch.addcmul(images, normals, variance.sqrt(), value=2.0)
