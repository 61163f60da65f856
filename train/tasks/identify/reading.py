"""What `explain` asks of an identifier: which shown picture is most alike, and what makes the two alike."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.errors import UsageError
from edgelens.runtime.metrics.identification import unit_rows

from ...task import Outputs, Reading, Shown

__all__ = ["likeness_reading"]

_SIMILAR = 6
_ITSELF = 0.9999  # cosine; the very picture says nothing about itself


def likeness_reading(shown: Shown) -> Reading:
    """The reading whose answers are the shown pictures, by number."""
    rows = torch.from_numpy(unit_rows(shown.outputs[EMBEDDING]))

    def cosines(outputs: Outputs) -> Tensor:
        return F.normalize(outputs[EMBEDDING].float()) @ rows.T

    def value(outputs: Outputs, targets: Tensor) -> Tensor:
        return cosines(outputs).gather(1, targets[:, None])[:, 0]

    def nearest(outputs: Outputs) -> list[int]:
        alike = cosines(outputs)[0]
        order: list[int] = alike.argsort(descending=True).tolist()
        return [row for row in order if alike[row] < _ITSELF]

    def answers(outputs: Outputs, label: str | None) -> list[int]:
        if label is not None and label not in shown.names:
            raise UsageError(f"--class {label}: no picture shows it; there are {', '.join(sorted(set(shown.names)))}")
        return [row for row in nearest(outputs) if label in (None, shown.names[row])][:1]

    return Reading(
        (EMBEDDING,), value, lambda outputs, targets: value(outputs, targets).clamp(min=0), answers,
        lambda row: shown.names[row], similar=lambda outputs: nearest(outputs)[:_SIMILAR], picture=shown.image,
        method="occlusion",
    )  # fmt: skip
