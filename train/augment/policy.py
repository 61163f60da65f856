"""A RandAugment-style policy: every sample gets a few techniques drawn from one list, all at one strength.

What moves pixels goes into the recipe's one resampling, what scales colours into its one matrix; only the rest (tones)
costs a step of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .colour import Amounts
from .random.draws import Draws
from .warp import affine

__all__ = ["OPERATIONS", "Policy", "colours", "matrices", "tones"]

OPERATIONS = (
    "nothing",
    "rotate",
    "shear x",
    "shear y",
    "move x",
    "move y",
    "brightness",
    "contrast",
    "saturation",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)


@dataclass(frozen=True)
class Policy:
    """How many techniques a sample gets, and the strength: 1 is the largest that RandAugment's authors tried."""

    count: int = 2
    strength: float = 0.5


def matrices(config: Policy, draws: Draws) -> Tensor:
    """(B, 3, 3) of each sample's rotations, shears and moves."""
    angle = _amount(config, draws, "rotate") * math.radians(30)
    shear_x, shear_y = _amount(config, draws, "shear x") * 0.3, _amount(config, draws, "shear y") * 0.3
    move_x, move_y = _amount(config, draws, "move x") * 0.66, _amount(config, draws, "move y") * 0.66
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = affine([[cos, -sin, move_x], [sin, cos, move_y]], len(draws), draws.keys.device)
    return turn @ affine([[1, shear_x, 0], [shear_y, 1, 0]], len(draws), draws.keys.device)


def colours(config: Policy, draws: Draws) -> Amounts:
    """Each sample's brightness, contrast and saturation."""
    brightness, contrast, saturation = (
        1 + 0.9 * _amount(config, draws, name) for name in ("brightness", "contrast", "saturation")
    )
    return Amounts(brightness, contrast, saturation, torch.zeros_like(brightness))


def tones(images: Tensor, config: Policy, draws: Draws) -> Tensor:
    """Normalised images, some sharpened, posterized, solarized, stretched or equalized, where the policy drew that."""
    for name, change in _TONES.items():
        amount = _amount(config, draws, name)
        rows = amount.nonzero()[:, 0]
        if len(rows):
            changed = change(images[rows].clamp(-1, 127 / 128), amount[rows][:, None, None, None])
            images = images.index_copy(0, rows, changed)
    return images


def _amount(config: Policy, draws: Draws, operation: str) -> Tensor:
    """(B,) in [-strength, strength]; 0 where the sample's draw is another operation."""
    drawn = draws.integers("policy", config.count, len(OPERATIONS))
    sizes = draws.uniforms("policy sizes", config.count, -config.strength, config.strength)
    return torch.where(drawn == OPERATIONS.index(operation), sizes, 0.0).sum(1)


def _sharpened(images: Tensor, amount: Tensor) -> Tensor:
    blurred = F.avg_pool2d(F.pad(images, [1] * 4, mode="replicate"), 3, stride=1)
    return blurred + (images - blurred) * (1 + 0.9 * amount)


def _posterized(images: Tensor, amount: Tensor) -> Tensor:
    levels = 2 ** torch.round(8 - 4 * amount.abs())  # a channel, from 16 at full strength to 256
    return torch.floor((images + 1) / 2 * levels) / levels * 2 - 1


def _solarized(images: Tensor, amount: Tensor) -> Tensor:
    return torch.where(images > 1 - 2 * amount.abs(), -1 / 128 - images, images)


def _stretched(images: Tensor, amount: Tensor) -> Tensor:  # noqa: ARG001  all of them fully, as everyone does
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1 / 128) * (255 / 128) - 1


def _equalized(images: Tensor, amount: Tensor) -> Tensor:  # noqa: ARG001
    flat = ((images + 1) * 128).to(torch.int64).flatten(2).clamp(0, 255)
    counts = torch.zeros(*flat.shape[:2], 256, device=images.device)
    counts.scatter_add_(2, flat, torch.ones_like(flat, dtype=torch.float32))
    ranks = (counts.cumsum(2) - counts / 2) / flat.shape[2]
    return (ranks.gather(2, flat) * (255 / 128) - 1).view_as(images)


_TONES = {
    "sharpness": _sharpened,
    "posterize": _posterized,
    "solarize": _solarized,
    "autocontrast": _stretched,
    "equalize": _equalized,
}
