"""What `explain` asks of a network that reads: every character, in the step of the picture that says it surest."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from edgelens.runtime.decode.spelling.alignment import places, spoken
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
        said = places(steps, text)  # step by step: 2n + 1 is the text's character n
        found = []
        for n, column in enumerate(text):
            where = np.flatnonzero(said == 2 * n + 1)
            if not len(where):
                raise UsageError(f"--class {label}: is too long for this network, which reads in {len(steps)} steps")
            surest = where[steps[where, column].argmax()]
            found.append(int(surest) * columns + column)
        return found

    return Reading(
        ("scores",), value, score, answers, lambda number: alphabet[number % columns - 1], method="occlusion"
    )


def _columns(text: str, alphabet: str) -> list[int]:
    if strange := [c for c in text if c not in alphabet]:
        raise UsageError(f"--class {text}: {strange[0]!r} is none of the characters that this run reads: {alphabet}")
    return [alphabet.index(c) + 1 for c in text]
