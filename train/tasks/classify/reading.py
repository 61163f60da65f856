"""What `explain` asks of a classifier: its logits are followed back, its probabilities are said."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ...task import Outputs, Reading, class_number

__all__ = ["class_reading"]


def class_reading(classes: Sequence[str], temperature: float = 1.0) -> Reading:
    """The reading of these classes; logits are divided by the temperature before they become probabilities."""

    def answers(outputs: Outputs, label: str | None) -> list[int]:
        return [int(outputs["logits"][0].argmax()) if label is None else class_number(label, classes)]

    def probability(outputs: Outputs, targets: Tensor) -> Tensor:
        return (outputs["logits"].float() / temperature).softmax(1).gather(1, targets[:, None])[:, 0]

    return Reading(("logits",), _logit, probability, answers, lambda i: classes[i])


def _logit(outputs: Outputs, targets: Tensor) -> Tensor:
    return outputs["logits"].gather(1, targets[:, None])[:, 0]
