"""Something stands before the lens (a finger, a sleeve, a cable): a soft disc of one colour that enters from a side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some

__all__ = ["Occlusion", "occlude"]


@dataclass(frozen=True)
class Occlusion:
    """For which share, how deep it reaches in (fraction of the shorter side), and its edge's softness."""

    probability: float = 0.15
    depth: tuple[float, float] = (0.1, 0.35)
    softness: float = 0.05


def occlude(images: Tensor, config: Occlusion, draws: Draws) -> Tensor:
    """Normalised images, some with an object in front."""
    return on_some(images, draws, "occlusion", config.probability, lambda part, its: _covered(part, config, its))


def _covered(images: Tensor, config: Occlusion, draws: Draws) -> Tensor:
    B, C, H, W = images.shape
    unit = min(H, W)
    xs = (torch.arange(W, device=images.device) + 0.5 - W / 2) / unit
    ys = (torch.arange(H, device=images.device) + 0.5 - H / 2) / unit
    angle, depth, radius, colour, tint = (u[:, None, None] for u in draws.uniforms("occlusion", 5).unbind(1))
    angle = angle * (2 * math.pi)
    depth = config.depth[0] + depth * (config.depth[1] - config.depth[0])
    radius = 0.15 + 0.35 * radius
    cos, sin = torch.cos(angle), torch.sin(angle)
    edge = torch.minimum(W / unit / 2 / cos.abs().clamp(min=1e-3), H / unit / 2 / sin.abs().clamp(min=1e-3))
    away = edge + radius - depth  # the disc's middle, from the picture's
    distance = torch.sqrt((xs - away * cos) ** 2 + (ys[:, None] - away * sin) ** 2)
    cover = torch.sigmoid((radius - distance) / (config.softness / 4))[:, None]
    shade = (colour * 1.4 - 0.9) + 0.15 * (tint - 0.5) * torch.arange(-1, C - 1, device=images.device)[None, :, None]
    return torch.lerp(images, shade[..., None].expand(B, C, H, W).contiguous(), cover)
