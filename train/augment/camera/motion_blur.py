"""The camera or the object moved while the shutter was open: every point becomes a line."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some
from .kernels import convolved, offsets

__all__ = ["MotionBlur", "motion_blur"]


@dataclass(frozen=True)
class MotionBlur:
    """For which share, and the longest line as a fraction of the shorter side."""

    probability: float = 0.2
    length: float = 0.12


def motion_blur(images: Tensor, config: MotionBlur, draws: Draws) -> Tensor:
    """Normalised images, some of them moved during their exposure."""
    return on_some(images, draws, "motion blur", config.probability, lambda part, its: _smeared(part, config, its))


def _smeared(images: Tensor, config: MotionBlur, draws: Draws) -> Tensor:
    longest = max(config.length * min(images.shape[2:]), 2.0)
    length, angle = (u[:, None, None] for u in draws.uniforms("motion blur", 2).unbind(1))
    half = (1.2 + length * (longest - 1.2)) / 2
    cos, sin = torch.cos(angle * math.pi), torch.sin(angle * math.pi)
    x, y = offsets(math.ceil(longest / 2), images.device)
    along, across = (cos * x + sin * y).abs(), (cos * y - sin * x).abs()
    return convolved(images, (half + 0.5 - along).clamp(0, 1) * (1 - across).clamp(0, 1))
