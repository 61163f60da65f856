"""What a classifier's answers on the validation split come to, for its report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.classify import softmax

from ...report.findings import Findings
from .labels import class_ids
from .metrics import measure

__all__ = ["Answers", "answers_of"]


@dataclass(frozen=True)
class Answers:
    """Findings, and what only a classifier's have."""

    found: Findings
    labels: NDArray[np.int64]  # (N,) of the validation split
    logits: NDArray[np.float32]  # (N, classes)
    probabilities: NDArray[np.float32]  # (N, classes), calibrated
    metrics: dict[str, Any]  # of `measure`
    train_accuracy: float  # on unaugmented training images

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the network's outputs."""
        return self.found.classes


def answers_of(found: Findings) -> Answers:
    """Calibrate and measure what the network answered."""
    logits, labels = found.val["logits"], class_ids(found.val_targets)
    probabilities = softmax(logits, found.decode.options["temperature"]).astype(np.float32)
    right = found.train["logits"].argmax(1) == class_ids(found.train_targets)
    train_accuracy = float(right.mean()) if len(right) else math.nan
    return Answers(found, labels, logits, probabilities, measure(labels, probabilities, found.classes), train_accuracy)
