"""The picture as a plane seen from somewhere else: its far side gets smaller."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .random.draws import Draws
from .warp import identity

__all__ = ["Perspective", "matrices"]


@dataclass(frozen=True)
class Perspective:
    """How much nearer one edge comes than the middle, at most (.2: a fifth), and for which share of the pictures."""

    strength: float = 0.2
    probability: float = 0.5


def matrices(config: Perspective, draws: Draws) -> Tensor:
    """(B, 3, 3) of each sample's tilt about both axes."""
    tilt = (draws.uniforms("perspective", 2) * 2 - 1) * config.strength
    tilt = tilt * draws.chosen("perspective on", config.probability)[:, None]
    matrix = identity(len(draws), draws.keys.device)
    matrix[:, 2, :2] = tilt
    return matrix
