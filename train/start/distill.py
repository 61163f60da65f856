"""Distillation (Hinton et al., 2015): the network also learns how an earlier run spreads its doubt over the classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Distillation", "distillation_loss"]


def distillation_loss(outputs: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """(B,): T² times the divergence of softened probabilities, so that its gradient stays as large as the labels'."""
    soft = F.log_softmax(outputs.float() / temperature, 1)
    wanted = F.log_softmax(teacher.float() / temperature, 1)
    return F.kl_div(soft, wanted, log_target=True, reduction="none").sum(1) * temperature**2


@dataclass(frozen=True)
class Distillation:
    """A teacher and how much of the loss is its own."""

    teacher: nn.Module
    share: float = 0.7
    temperature: float = 4.0

    def blended(self, loss: Tensor, outputs: Tensor, inputs: Tensor) -> Tensor:
        """(B,): the labels' loss and the teacher's, on the very pictures that the student saw."""
        with torch.no_grad():
            answers = self.teacher(inputs)
        return loss * (1 - self.share) + self.share * distillation_loss(outputs, answers, self.temperature)
