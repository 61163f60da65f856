"""What JPEG and video codecs leave: 8×8 blocks with rounded cosine coefficients, colours at half the resolution."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..random.draws import Draws
from ..random.some import on_some

__all__ = ["Jpeg", "compress"]

# the quantization tables of the JPEG standard's annex K, row by row
_LUMA = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA = "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 " + (
    "99 " * 32
)


@dataclass(frozen=True)
class Jpeg:
    """For which share, and the qualities (1 to 100, as every program counts them) it is drawn from."""

    probability: float = 0.3
    quality: tuple[float, float] = (25.0, 85.0)


def compress(images: Tensor, config: Jpeg, draws: Draws) -> Tensor:
    """Normalised images, some of them through JPEG's blocks."""

    def change(part: Tensor, its: Draws) -> Tensor:
        return through_jpeg(part, its.uniform("jpeg", *config.quality))

    return on_some(images, draws, "jpeg", config.probability, change)


def through_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Normalised images (B, C, H, W) as JPEG of quality (B,) would give them back."""
    H, W = images.shape[2:]
    step = 16 if images.shape[1] == 3 else 8
    pixels = F.pad(images * 128, (0, -W % step, 0, -H % step), mode="replicate")
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, None, None]
    if images.shape[1] != 3:
        return _rounded(pixels, _table(_LUMA, images.device) * scale)[..., :H, :W] / 128
    to_ycc = _ycc(images.device)
    ycc = torch.einsum("ij,bjhw->bihw", to_ycc, pixels)
    luma = _rounded(ycc[:, :1], _table(_LUMA, images.device) * scale)
    chroma = _rounded(F.avg_pool2d(ycc[:, 1:], 2), _table(_CHROMA, images.device) * scale)
    ycc = torch.cat((luma, F.interpolate(chroma, scale_factor=2.0, mode="bilinear")), dim=1)
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(to_ycc), ycc)[..., :H, :W] / 128


def _rounded(planes: Tensor, tables: Tensor) -> Tensor:
    """Planes (B, C, H, W) with every block's coefficients rounded to multiples of tables (B, 8, 8)."""
    B, C, H, W = planes.shape
    dct = _dct(planes.device)
    blocks = planes.reshape(B, C, H // 8, 8, W // 8, 8).transpose(3, 4)  # (B, C, H/8, W/8, 8, 8)
    steps = (tables + 0.5).floor().clamp(1, 255)[:, None, None, None]
    rounded = torch.round(dct @ blocks @ dct.T / steps) * steps
    return (dct.T @ rounded @ dct).transpose(3, 4).reshape(B, C, H, W)


@functools.cache
def _dct(device: torch.device) -> Tensor:
    k = torch.arange(8, dtype=torch.float64)
    matrix = torch.cos(math.pi / 8 * k[:, None] * (k[None, :] + 0.5)) / 2
    matrix[0] /= math.sqrt(2)
    return matrix.float().to(device)


@functools.cache
def _ycc(device: torch.device) -> Tensor:
    return torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]).to(device)


@functools.cache
def _table(text: str, device: torch.device) -> Tensor:
    return torch.tensor([float(n) for n in text.split()]).view(8, 8).to(device)
