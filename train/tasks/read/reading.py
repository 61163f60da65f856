"""What `explain` asks of a network that reads: every character, in the step of the picture that says it surest."""

from __future__ import annotations

from torch import Tensor

from edgelens.runtime.decode.spelling.alignment import spoken, surest_steps
from edgelens.runtime.errors import UsageError

from ...task import Outputs, Reading

__all__ = ["text_reading"]


def text_reading(alphabet: str) -> Reading:
    """The reading whose answers are a step's column: numbered step by step, the blank's column first."""
    columns = len(alphabet) + 1

    def value(outputs: Outputs, targets: Tensor) -> Tensor:
        return outputs["scores"].flatten(1).gather(1, targets[:, None])[:, 0]

    def score(outputs: Outputs, targets: Tensor) -> Tensor:
        return outputs["scores"].float().softmax(2).flatten(1).gather(1, targets[:, None])[:, 0]

    def answers(outputs: Outputs, label: str | None) -> list[int]:
        steps = outputs["scores"][0].double().softmax(1).numpy()
        text = spoken(steps) if label is None else _columns(label, alphabet)
        surest = surest_steps(steps, text)
        if len(surest) < len(text):
            raise UsageError(f"--class {label}: is too long for this network, which reads in {len(steps)} steps")
        return [step * columns + column for step, column in zip(surest, text, strict=True)]

    return Reading(
        ("scores",), value, score, answers, lambda number: alphabet[number % columns - 1], method="occlusion"
    )


def _columns(text: str, alphabet: str) -> list[int]:
    if strange := [c for c in text if c not in alphabet]:
        raise UsageError(f"--class {text}: {strange[0]!r} is none of the characters that this run reads: {alphabet}")
    return [alphabet.index(c) + 1 for c in text]
