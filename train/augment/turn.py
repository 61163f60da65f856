"""Rotation, zoom and shear: how a hand-held camera or a turned object changes the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws
from .warp import affine

__all__ = ["Turn", "affine_of", "matrices"]


@dataclass(frozen=True)
class Turn:
    """The largest rotation and shear in degrees, and zoom as a fraction (.1: from 10 % smaller to 10 % larger)."""

    degrees: float = 10.0
    zoom: float = 0.1
    shear_degrees: float = 0.0


def matrices(config: Turn, draws: Draws) -> Tensor:
    """(B, 3, 3) of each sample's rotation, zoom and shear about the middle."""
    angle, zoom, shear = (draws.uniforms("turn", 3) * 2 - 1).unbind(1)
    return affine_of(
        angle * math.radians(config.degrees),
        torch.exp(zoom * math.log1p(config.zoom)),
        torch.tan(shear * math.radians(config.shear_degrees)),
    )


def affine_of(angle: Tensor, scale: Tensor, shear: Tensor) -> Tensor:
    """(B, 3, 3) from angles in radians, magnifications and horizontal shears, each (B,)."""
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    return affine([[cos, cos * shear - sin, 0], [sin, sin * shear + cos, 0]], len(angle), angle.device)
