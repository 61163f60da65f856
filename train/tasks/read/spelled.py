"""What a network's scores say, counted against what is written: the same reading that the device does first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.decode.spelling.alignment import spoken
from edgelens.runtime.metrics.text import edits

from ...data.targets import RaggedTargets
from ...task import Outputs
from .data import rows_of

__all__ = ["ReadingMeter", "ctc_losses", "spelled"]


def spelled(scores: NDArray[np.float32], alphabet: str) -> list[str]:
    """The texts of scores (N, T, C), the likeliest character of each step."""
    return ["".join(alphabet[column - 1] for column in spoken(steps)) for steps in scores]


def ctc_losses(outputs: Outputs, targets: RaggedTargets) -> Tensor:
    """(B,): each picture's loss, by how many characters it has; a text that no path can say costs nothing."""
    logs = F.log_softmax(outputs["scores"].float(), 2).transpose(0, 1)  # (T, B, C)
    counts = targets.counts
    steps = counts.new_full((len(counts),), logs.shape[0])
    losses = F.ctc_loss(
        logs, targets.columns["characters"], steps, counts, blank=0, reduction="none", zero_infinity=True
    )
    return losses / counts.clamp(min=1)


class ReadingMeter:
    """Loss, whole texts and characters, counted batch by batch."""

    def __init__(self) -> None:
        self._sums = np.zeros(5)  # pictures, their losses, right texts, changes needed, characters

    def add(self, outputs: Outputs, targets: RaggedTargets) -> None:
        """Count a batch of scores (B, T, C)."""
        losses = float(ctc_losses(outputs, targets).sum())
        found = [spoken(steps) for steps in outputs["scores"].float().cpu().numpy()]
        wanted = rows_of(targets)
        right = sum(ours == theirs for ours, theirs in zip(found, wanted, strict=True))
        changes = sum(_changes(ours, theirs) for ours, theirs in zip(wanted, found, strict=True) if ours != theirs)
        self._sums += [len(wanted), losses, right, changes, sum(map(len, wanted))]

    def state(self) -> list[float]:
        """The sums."""
        state: list[float] = self._sums.tolist()
        return state

    def merge(self, states: Sequence[list[float]]) -> None:
        """The sums of several."""
        self._sums = np.sum(states, axis=0)

    def result(self) -> dict[str, float]:
        """Their means."""
        count, loss, right, changes, characters = self._sums.tolist()
        return {
            "loss": loss / max(count, 1),
            "accuracy": right / max(count, 1),
            "character_error_rate": changes / max(characters, 1),
        }


def _changes(wanted: tuple[int, ...], found: tuple[int, ...]) -> int:
    return len(edits("".join(map(chr, wanted)), "".join(map(chr, found))))
