"""A detector measured batch by batch: its boxes are kept, its maps are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.metrics.detection import Boxes, average_precision

from ...data.targets import RaggedTargets
from ...task import Outputs
from .answers import found_boxes, found_in, truth_of

__all__ = ["DetectMeter"]


class DetectMeter:
    """Loss, mAP50 and mAP50-95 of a split, in pixels of the network's picture."""

    def __init__(self, loss: Callable[[Outputs, Any], Tensor], classes: int, strides: Sequence[int]) -> None:
        self._loss, self._classes, self._strides = loss, classes, tuple(strides)
        self._cost, self._found = 0.0, list[NDArray[np.float32]]()
        self._truth: list[Boxes] = []

    def add(self, outputs: Outputs, targets: RaggedTargets) -> None:
        """Count a batch."""
        self._cost += float(self._loss(outputs, targets).sum())
        self._found.append(found_in({name: values.cpu().numpy() for name, values in outputs.items()}, self._strides))
        self._truth.append(truth_of(targets))

    def state(self) -> Any:
        """The loss so far, and every batch's boxes."""
        return self._cost, self._found, self._truth

    def merge(self, states: Sequence[Any]) -> None:
        """Count all that was counted."""
        self._cost = sum(cost for cost, _, _ in states)
        self._found = [part for _, found, _ in states for part in found]
        self._truth = [part for _, _, truth in states for part in truth]

    def result(self) -> dict[str, float]:
        """The figures by name."""
        images = sum(len(part) for part in self._found)
        offsets = np.cumsum([0, *(len(part) for part in self._found)])
        truth = _joined(self._truth, offsets[:-1])
        scores = average_precision(truth, found_boxes(np.concatenate(self._found)), self._classes, ("all",))
        return {
            "loss": self._cost / max(images, 1),
            "map50": max(scores.mean(iou=0.5), 0.0),
            "map50_95": max(scores.mean(), 0.0),
        }


def _joined(parts: Sequence[Boxes], offsets: NDArray[np.intp]) -> Boxes:
    """The boxes of several batches, their pictures counted on."""
    assert all(part.crowd is not None for part in parts)
    return Boxes(
        np.concatenate([part.images + offset for part, offset in zip(parts, offsets, strict=True)]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        crowd=np.concatenate([part.crowd for part in parts if part.crowd is not None]),
    )
