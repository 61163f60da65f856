"""mixup: a sample and its partner shine through each other."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from .random.draws import Draws

__all__ = ["Mixup", "share"]


@dataclass(frozen=True)
class Mixup:
    """For which share of the pictures, and the Beta(alpha, alpha) that the sample's own part is drawn from."""

    probability: float = 0.5
    alpha: float = 0.2


def share(config: Mixup, draws: Draws) -> Tensor:
    """(B, 1, 1, 1): how much of itself each sample keeps."""
    grid, cumulated = (table.to(draws.keys.device) for table in _beta_table(config.alpha))
    uniform = draws.uniform("mixup")
    right = torch.searchsorted(cumulated, uniform).clamp(1, len(grid) - 1)
    low, high = cumulated[right - 1], cumulated[right]
    kept = torch.lerp(grid[right - 1], grid[right], (uniform - low) / (high - low).clamp(min=1e-12))
    return torch.where(draws.chosen("mixup on", config.probability), kept, 1.0)[:, None, None, None]


@functools.cache
def _beta_table(alpha: float) -> tuple[Tensor, Tensor]:
    """Beta(alpha, alpha) as points and their cumulated probability, summed over logits, where it has no poles."""
    reach = 20.0 / min(alpha, 1.0)
    logits = torch.linspace(-reach, reach, 8001, dtype=torch.float64)
    log_density = alpha * (torch.nn.functional.logsigmoid(logits) + torch.nn.functional.logsigmoid(-logits))
    density = torch.exp(log_density - log_density.max())
    cumulated = torch.cumsum(density, 0)
    return torch.sigmoid(logits).float(), (cumulated / cumulated[-1]).float()
