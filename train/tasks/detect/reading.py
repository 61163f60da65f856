"""What `explain` asks of a detector: the things that it finds, each in the cell that says it surest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.boxes import suppress
from edgelens.runtime.decode.lens_det import candidates, levels_of

from ...models.detector import detector_outputs
from ...task import Outputs, Reading, class_number
from .answers import IOU

__all__ = ["box_reading"]

_MOST = 7  # things that are explained at once, the surest: a sheet of two rows
_SURE = 1e-6  # scores are kept so far from 0 and 1, where a sigmoid has no slope


def box_reading(classes: Sequence[str], strides: Sequence[int], decode: Decode) -> Reading:
    """The reading whose answers are a cell's score of a class: numbered stride by stride, cell by cell."""
    least = np.array([decode.least(name) or 0.0 for name in classes])

    def scores(outputs: Outputs) -> Tensor:
        return torch.cat([outputs[f"scores{stride}"].flatten(2).transpose(1, 2) for stride in strides], 1).flatten(1)

    def score(outputs: Outputs, targets: Tensor) -> Tensor:
        return scores(outputs).gather(1, targets[:, None])[:, 0]

    def value(outputs: Outputs, targets: Tensor) -> Tensor:
        return score(outputs, targets).clamp(_SURE, 1 - _SURE).logit()

    def boxes(outputs: Outputs) -> NDArray[np.float32]:
        """(cells, 4) corners of each cell's box in the first picture."""
        first = {name: values[0].numpy() for name, values in outputs.items()}
        return candidates(levels_of(first, strides), 0.0, len(scores(outputs)[0])).boxes

    def answers(outputs: Outputs, label: str | None) -> list[int]:
        sure = scores(outputs)[0].numpy().reshape(-1, len(classes))
        ids = sure.argmax(1) if label is None else np.full(len(sure), class_number(label, classes))
        said = sure[np.arange(len(sure)), ids]
        cells = np.flatnonzero(said >= least[ids])
        if not len(cells) and label is not None:
            cells = np.array([said.argmax()])
        kept = cells[suppress(boxes(outputs)[cells], said[cells], ids[cells], IOU, _MOST)]
        return (kept * len(classes) + ids[kept]).tolist()  # type: ignore[no-any-return]

    def place(outputs: Outputs, answer: int) -> NDArray[np.float32]:
        found: NDArray[np.float32] = boxes(outputs)[answer // len(classes)]
        return found

    return Reading(
        detector_outputs(strides),
        value,
        score,
        answers,
        lambda number: classes[number % len(classes)],
        method="occlusion",  # gradients would end at the neighbours of the cell that answers
        between=", ",
        place=place,
    )
