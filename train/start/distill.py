"""Distillation (Hinton et al., 2015): the network also learns what an earlier run answers, and with how much doubt."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..task import Outputs, Task, by_name

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """A teacher and how much of the loss is its own."""

    teacher: nn.Module
    share: float = 0.7
    temperature: float = 4.0

    def blended(self, task: Task, loss: Tensor, outputs: Outputs, inputs: Tensor) -> Tensor:
        """(B,): the labels' loss and the teacher's, on the very pictures that the student saw."""
        assert task.distil is not None
        with torch.no_grad():
            answers = by_name(self.teacher(inputs), task.outputs)
        return loss * (1 - self.share) + self.share * task.distil(outputs, answers, self.temperature)
