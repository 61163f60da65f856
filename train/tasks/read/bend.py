"""How a line of text lies in the picture cut out around it: tilted, slanted, nearer at one end, not quite centred."""

from __future__ import annotations

import torch
from torch import Tensor

from ...augment.random.draws import Draws
from ...augment.warp import affine, warp

__all__ = ["bent"]

# the most of each, in halves of the picture's height
_TILT, _SLANT = 0.06, 0.25  # a line is long: a turn of few degrees moves its ends out of the picture
_WIDER, _HIGHER = 0.06, 0.15
_ASIDE, _UP = 0.1, 0.12
_NEARER_SIDE, _NEARER_TOP = 0.02, 0.05


def bent(pixels: Tensor, draws: Draws) -> Tensor:
    """Pictures (B, C, H, W) uint8 as if each had been photographed and cut out a little differently."""
    tilt, slant, wider, higher, aside, up, side, top = (draws.uniforms("bend", 8) * 2 - 1).unbind(1)
    matrices = affine(
        [[1 + _WIDER * wider, _SLANT * slant, _ASIDE * aside], [_TILT * tilt, 1 + _HIGHER * higher, _UP * up]],
        len(pixels),
        pixels.device,
    )
    matrices[:, 2, 0], matrices[:, 2, 1] = _NEARER_SIDE * side, _NEARER_TOP * top
    moved = warp(pixels.to(torch.float32), matrices, perspective=True)
    return moved.round().clamp(0, 255).to(torch.uint8)
