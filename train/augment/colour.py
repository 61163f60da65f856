"""Brightness, contrast, saturation and hue as one matrix a sample: out = A·(value + 1) - 1 + b."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws

__all__ = ["LUMA", "Amounts", "Colour", "amounts", "recolour"]

LUMA = (0.299, 0.587, 0.114)  # Rec. 601, in RGB order


@dataclass(frozen=True)
class Colour:
    """The largest change of each: fractions (.2: from 20 % less to 20 % more), hue in degrees, share made gray."""

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue_degrees: float = 0.0
    gray: float = 0.0


@dataclass(frozen=True)
class Amounts:
    """What happens to each sample: factors (B,) about 1, hue in radians (B,)."""

    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor


def amounts(config: Colour, draws: Draws) -> Amounts:
    """Each sample's draw."""
    b, c, s, h = (draws.uniforms("colour", 4) * 2 - 1).unbind(1)
    saturation = (1 + s * config.saturation) * (~draws.chosen("colour gray", config.gray)).float()
    return Amounts(1 + b * config.brightness, 1 + c * config.contrast, saturation, h * math.radians(config.hue_degrees))


def recolour(images: Tensor, change: Amounts) -> Tensor:
    """Normalised images (B, C, H, W), gray or RGB, with their colours changed; contrast turns about the mean."""
    B, C, H, W = images.shape
    flat = images.reshape(B, C, H * W)
    mean = flat.mean(2) + 1  # (B, C), black is 0
    gain = change.brightness * change.contrast
    lift = change.brightness * (1 - change.contrast)
    if C == 1:
        offset = (gain - 1)[:, None] + lift[:, None] * mean
        return torch.addcmul(offset[:, :, None], flat, gain[:, None, None]).view(B, C, H, W)
    luma = torch.tensor(LUMA, device=images.device)
    matrix = gain[:, None, None] * _chroma(change, luma)  # (B, 3, 3)
    offset = matrix.sum(2) - 1 + (lift * (mean @ luma))[:, None]
    return torch.baddbmm(offset[:, :, None], matrix, flat).view(B, C, H, W)


def _chroma(change: Amounts, luma: Tensor) -> Tensor:
    """(B, 3, 3): hue turned about the gray axis, then colours pulled towards or pushed from their gray."""
    cos, sin = torch.cos(change.hue)[:, None, None], torch.sin(change.hue)[:, None, None]
    eye = torch.eye(3, device=luma.device)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=luma.device) / math.sqrt(3)
    hue = cos * eye + (1 - cos) / 3 + sin * cross  # Rodrigues' rotation about (1, 1, 1)
    s = change.saturation[:, None, None]
    return (s * eye + (1 - s) * luma[None, None, :].expand(1, 3, 3)) @ hue
