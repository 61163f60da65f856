"""A detector's cells and boxes as tensors: where cells lie, what boxes their distances make, how boxes overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...task import Outputs

__all__ = ["Cells", "answers_of", "overlap", "penalised"]

_TINY = 1e-7


@dataclass(frozen=True)
class Cells:
    """The middles (A, 2) x, y of all cells, finer strides first, and each one's stride (A,)."""

    middles: Tensor
    strides: Tensor

    @classmethod
    def of(cls, outputs: Outputs, strides: Sequence[int]) -> Cells:
        """The cells that a batch of outputs answers for."""
        middles, sizes = [], []
        for stride in strides:
            scores = outputs[f"scores{stride}"]
            height, width = scores.shape[2:]
            y, x = torch.meshgrid(
                torch.arange(height, device=scores.device), torch.arange(width, device=scores.device), indexing="ij"
            )
            middles.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
            sizes.append(torch.full((height * width,), float(stride), device=scores.device))
        return cls(torch.cat(middles), torch.cat(sizes))


def answers_of(outputs: Outputs, strides: Sequence[int]) -> tuple[Tensor, Tensor, Cells]:
    """Scores (B, C, A), boxes (B, A, 4) as corners in pixels, and the cells that they are of, in float32."""
    cells = Cells.of(outputs, strides)
    scores = torch.cat([outputs[f"scores{s}"].float().flatten(2) for s in strides], 2)
    sides = torch.cat([outputs[f"sides{s}"].float().flatten(2) for s in strides], 2)
    sides = sides.transpose(1, 2) * cells.strides[:, None]
    return scores, torch.cat([cells.middles - sides[..., :2], cells.middles + sides[..., 2:]], -1), cells


def overlap(ones: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of pairs of corner boxes (..., 4)."""
    return _parts(ones, others)[0]


def penalised(ones: Tensor, others: Tensor) -> Tensor:
    """The overlap less what the box around both holds of neither (GIoU): it tells far from farther."""
    shared, union = _parts(ones, others)
    around = (torch.maximum(ones[..., 2:], others[..., 2:]) - torch.minimum(ones[..., :2], others[..., :2])).clamp(
        min=0
    )
    hull = around.prod(-1) + _TINY
    return shared - (hull - union) / hull


def _parts(ones: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    sides = torch.minimum(ones[..., 2:], others[..., 2:]) - torch.maximum(ones[..., :2], others[..., :2])
    shared = sides.clamp(min=0).prod(-1)
    union = sum((box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (ones, others)) - shared + _TINY
    return shared / union, union
