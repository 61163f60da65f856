"""What an identifier learns by, over the pictures of a batch: several identities, several pictures of each.

A margin between identities (Deng et al., 2019) whose centres are those of the batch's other pictures, so that the
network needs no weights for those it learned from; and supervised contrastive learning (Khosla et al., 2020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["contrastive", "margin_softmax"]

SCALE, MARGIN = 24.0, 0.25  # of cosines; radians
TEMPERATURE = 0.1


def margin_softmax(embeddings: Tensor, ids: Tensor) -> Tensor:
    """(B,) cross-entropy of cosines with the batch's identities, the angle to its own taken for wider by a margin.

    A picture is no part of its own identity's centre; one that is alone there learns nothing by it.
    """
    rows = F.normalize(embeddings.float())
    _, own = torch.unique(ids, return_inverse=True)
    member = F.one_hot(own).to(rows.dtype)  # (B, P)
    sums = member.T @ rows  # (P, D)
    centers = F.normalize(sums)
    others = F.normalize(sums[own] - rows)
    alone = member.sum(0)[own] < 2
    near = ((rows * others).sum(1)).clamp(-1 + 1e-6, 1 - 1e-6)
    wider = torch.cos(torch.acos(near) + MARGIN)
    cosines = torch.where(member.bool(), wider[:, None], rows @ centers.T)
    losses = F.cross_entropy(SCALE * cosines, own, reduction="none")
    return torch.where(alone, torch.zeros_like(losses), losses)


def contrastive(embeddings: Tensor, ids: Tensor) -> Tensor:
    """(B,) how little each picture is likelier near those of its own identity than near the others; 0 for one alone."""
    rows = F.normalize(embeddings.float())
    itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    near = (rows @ rows.T / TEMPERATURE).masked_fill(itself, -torch.inf)
    chance = near - near.logsumexp(1, keepdim=True)
    same = (ids[:, None] == ids[None]) & ~itself
    total = torch.where(same, chance, torch.zeros_like(chance)).sum(1)
    return -total / same.sum(1).clamp(min=1)
