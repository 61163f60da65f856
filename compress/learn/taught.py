"""Who taught a run: what is made of it learns best from the same teacher, where that is still there."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from edgelens.runtime.errors import EdgelensError
from edgelens.train.runs.run import Run

__all__ = ["AtItsSize", "taught_by"]


class AtItsSize(nn.Module):
    """A teacher that sees the student's picture at a size of its own."""

    def __init__(self, teacher: nn.Module, height: int, width: int) -> None:
        super().__init__()
        self.teacher, self.size = teacher, (height, width)

    def forward(self, x: Tensor) -> Any:
        """The teacher's answers."""
        return self.teacher(F.interpolate(x, self.size, mode="bilinear", antialias=True))


def taught_by(run: Run) -> nn.Module | None:
    """The network that a run learned from, at its own size; None where there was none or it is gone."""
    if not run.config.teacher:
        return None
    try:
        teacher = Run.open(run.config.teacher)
        network = teacher.model()
    except EdgelensError:
        return None
    if teacher.classes != run.classes or teacher.pixels.channels != run.pixels.channels:
        return None
    theirs, ours = ((pixels.height, pixels.width) for pixels in (teacher.pixels, run.pixels))
    return network if theirs == ours else AtItsSize(network, *theirs).eval()
