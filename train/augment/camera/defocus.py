"""Out of focus: every point becomes a disc."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some
from .kernels import convolved, offsets

__all__ = ["Defocus", "defocus"]


@dataclass(frozen=True)
class Defocus:
    """For which share, and the disc's largest radius as a fraction of the shorter side."""

    probability: float = 0.2
    radius: float = 0.035


def defocus(images: Tensor, config: Defocus, draws: Draws) -> Tensor:
    """Normalised images, some of them out of focus."""
    return on_some(images, draws, "defocus", config.probability, lambda part, its: _blurred(part, config, its))


def _blurred(images: Tensor, config: Defocus, draws: Draws) -> Tensor:
    largest = max(config.radius * min(images.shape[2:]), 1.0)
    radius = draws.uniform("defocus", 0.6, largest)[:, None, None]
    x, y = offsets(math.ceil(largest), images.device)
    return convolved(images, (radius + 0.5 - torch.sqrt(x**2 + y**2)).clamp(0, 1))
