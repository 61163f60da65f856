"""Crops of the padded picture: the picture moved by whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws
from .warp import affine

__all__ = ["Shift", "matrices"]


@dataclass(frozen=True)
class Shift:
    """How far at most, as a fraction of the shorter side; .125 is the four pixels usual for CIFAR-10."""

    fraction: float = 0.125


def matrices(config: Shift, draws: Draws, side: int) -> Tensor:
    """(B, 3, 3) of each sample's move by whole pixels, for pictures whose shorter side is so long."""
    reach = round(config.fraction * side)
    pixels = draws.integers("shift", 2, 2 * reach + 1).to(torch.float32) - reach
    x, y = (pixels * (2.0 / side)).unbind(1)
    return affine([[1, 0, x], [0, 1, y]], len(draws), draws.keys.device)
