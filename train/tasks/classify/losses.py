"""Losses of logits against soft targets, (B, classes) each → (B,): one number a sample, so that each can be weighed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgelens.runtime.errors import UsageError

__all__ = ["LOSSES", "Loss", "distillation_loss", "loss_by_name", "smoothed"]

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-Σ target · log softmax."""
    return -(targets * F.log_softmax(logits, 1)).sum(1)


def squared_error(logits: Tensor, targets: Tensor) -> Tensor:
    """The squared distance of the probabilities from the targets (Brier's score)."""
    return (logits.softmax(1) - targets).square().sum(1)


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Every class a yes-or-no question of its own, through a sigmoid."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)


def focal(logits: Tensor, targets: Tensor, gamma: float = 2.0) -> Tensor:
    """Cross-entropy in which what is already right counts less, by (1 - p)^gamma."""
    log_p = F.log_softmax(logits, 1)
    return -(targets * (1 - log_p.exp()).clamp(min=0).pow(gamma) * log_p).sum(1)


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "squared": squared_error,
    "bce": binary_cross_entropy,
    "focal": focal,
}


def loss_by_name(name: str, focal_gamma: float = 2.0) -> Loss:
    """The loss that `--loss` names."""
    if name not in LOSSES:
        raise UsageError(f"--loss {name}: must be one of {', '.join(LOSSES)}")
    return partial(focal, gamma=focal_gamma) if name == "focal" else LOSSES[name]


def smoothed(targets: Tensor, amount: float) -> Tensor:
    """Targets with a part of their weight spread over all classes."""
    return torch.lerp(targets, torch.full_like(targets, 1 / targets.shape[1]), amount) if amount else targets


def distillation_loss(outputs: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """(B,): T² times the divergence of softened probabilities, so that its gradient stays as large as the labels'."""
    soft = F.log_softmax(outputs.float() / temperature, 1)
    wanted = F.log_softmax(teacher.float() / temperature, 1)
    return F.kl_div(soft, wanted, log_target=True, reduction="none").sum(1) * temperature**2
