"""Loss and accuracy of a split, counted batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...task import Outputs

__all__ = ["ClassifyMeter"]


class ClassifyMeter:
    """Plain cross-entropy, whatever loss trains, so that every run's can be compared."""

    def __init__(self) -> None:
        self._sums = torch.zeros(3, dtype=torch.float64)  # pictures, their losses, right answers

    def add(self, outputs: Outputs, targets: Tensor) -> None:
        """Count a batch of logits (B, classes) and class ids (B,)."""
        logits = outputs["logits"]
        losses = F.cross_entropy(logits, targets, reduction="sum")
        right = (logits.argmax(1) == targets).sum()
        count = torch.full((), float(len(targets)), device=logits.device)
        self._sums = self._sums.to(logits.device) + torch.stack([count, losses, right])

    def state(self) -> list[float]:
        """The sums."""
        return self._sums.tolist()

    def merge(self, states: Sequence[list[float]]) -> None:
        """The sums of several."""
        self._sums = torch.tensor(states, dtype=torch.float64).sum(0)

    def result(self) -> dict[str, float]:
        """Their means."""
        count, loss, right = self._sums.tolist()
        return {"loss": loss / max(count, 1), "accuracy": right / max(count, 1)}
