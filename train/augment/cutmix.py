"""CutMix: a rectangle of the partner is pasted over the sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .erasing import boxes
from .random.draws import Draws

__all__ = ["Cutmix", "share"]


@dataclass(frozen=True)
class Cutmix:
    """For which share of the pictures, and the pasted area's bounds as fractions (0 to 1 is Beta(1, 1))."""

    probability: float = 0.5
    area: tuple[float, float] = (0.0, 1.0)


def share(config: Cutmix, draws: Draws, height: int, width: int) -> Tensor:
    """(B, 1, H, W): 0 where the partner is pasted, 1 where the sample stays."""
    on = draws.chosen("cutmix on", config.probability)
    inside = boxes(draws, "cutmix", config.area, 1.0, height, width) & on[:, None, None]
    return (~inside).to(torch.float32)[:, None]
