"""Mirrored pictures, for classes that stay themselves in a mirror."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .random.draws import Draws
from .warp import affine

__all__ = ["Flip", "matrices"]


@dataclass(frozen=True)
class Flip:
    """How often a picture is mirrored."""

    horizontal: float = 0.5
    vertical: float = 0.0


def matrices(config: Flip, draws: Draws) -> Tensor:
    """(B, 3, 3) of each sample's flips."""
    x = 1.0 - 2.0 * draws.chosen("flip x", config.horizontal).float()
    y = 1.0 - 2.0 * draws.chosen("flip y", config.vertical).float()
    return affine([[x, 0, 0], [0, y, 0]], len(draws), draws.keys.device)
