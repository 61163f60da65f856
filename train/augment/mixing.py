"""Two pictures in one, and what that makes of their targets; mixup.py and cutmix.py say how much of each where.

A sample is mixed with its neighbour in the batch (0 with 1, 2 with 3, …), so a global batch that is cut into
contiguous, even parts mixes the same pairs on any number of processes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["mixed", "mixed_targets", "partners"]


def partners(count: int, device: torch.device) -> Tensor:
    """(B,) whom each sample is mixed with; the last of an odd batch has nobody but itself."""
    return (torch.arange(count, device=device) ^ 1).clamp_(max=count - 1)


def mixed(images: Tensor, share: Tensor) -> Tensor:
    """Images with `share` (B, 1, H or 1, W or 1) of themselves and the rest of their partner."""
    out = torch.empty_like(images)
    paired = len(images) // 2 * 2
    out[paired:] = images[paired:]
    evens, odds = slice(0, paired, 2), slice(1, paired, 2)
    for own, other in ((evens, odds), (odds, evens)):  # as views: a copy of all partners takes longer than the mixing
        torch.lerp(images[other], images[own], share[own], out=out[own])
    return out


def mixed_targets(targets: Tensor, share: Tensor, classes: int) -> Tensor:
    """(B, classes) probabilities from class ids (B,), each with the part that its picture still has."""
    kept = share.mean((1, 2, 3))[:, None]
    own = F.one_hot(targets, classes).to(torch.float32)
    return torch.lerp(own[partners(len(targets), targets.device)], own, kept)
