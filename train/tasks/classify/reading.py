"""What `explain` asks of a classifier: its logits are followed back, its probabilities are said."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from edgelens.runtime.errors import UsageError

from ...task import Outputs, Reading

__all__ = ["class_reading"]


def class_reading(classes: Sequence[str], temperature: float = 1.0) -> Reading:
    """The reading of these classes; logits are divided by the temperature before they become probabilities."""

    def answers(outputs: Outputs, label: str | None) -> list[int]:
        if label is None:
            return [int(outputs["logits"][0].argmax())]
        if label not in classes:
            raise UsageError(f"--class {label}: is none of this run's: {', '.join(classes)}")
        return [list(classes).index(label)]

    def probability(outputs: Outputs, targets: Tensor) -> Tensor:
        return (outputs["logits"].float() / temperature).softmax(1).gather(1, targets[:, None])[:, 0]

    return Reading(("logits",), _logit, probability, answers, lambda i: classes[i])


def _logit(outputs: Outputs, targets: Tensor) -> Tensor:
    return outputs["logits"].gather(1, targets[:, None])[:, 0]
