"""Distillation (Hinton et al., 2015): the network also learns what an earlier run answers, and with how much doubt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.preprocess import PixelContract

from ..task import Outputs, Task, by_name

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """A teacher and how much of the loss is its own."""

    teacher: nn.Module
    pixels: PixelContract  # what the teacher looks at
    share: float = 0.7
    temperature: float = 4.0
    labelled: float = math.inf  # rows of the training pictures, behind which come those that the teacher alone knows

    def blended(self, task: Task, loss: Tensor, outputs: Outputs, inputs: Tensor, rows: NDArray[np.intp]) -> Tensor:
        """(B,): the labels' loss and the teacher's, on the very pictures (of these rows) that the student saw."""
        assert task.distil is not None
        with torch.no_grad():
            answers = by_name(self.teacher(self._as_it_sees(inputs)), task.outputs)
        share = torch.from_numpy(np.where(rows < self.labelled, self.share, 1.0)).to(loss)
        return loss * (1 - share) + share * task.distil(outputs, answers, self.temperature)

    def _as_it_sees(self, inputs: Tensor) -> Tensor:
        """The student's pictures (B, C, H, W) in the teacher's size and colour."""
        if inputs.shape[1] != self.pixels.channels:
            inputs = inputs.mean(1, keepdim=True).expand(-1, self.pixels.channels, -1, -1)
        size = (self.pixels.height, self.pixels.width)
        if inputs.shape[2:] == size:
            return inputs
        return F.interpolate(inputs, size, mode="bilinear", align_corners=False, antialias=True)
