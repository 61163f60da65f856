"""How good answers are that were kept whole, and by that which of several are the best."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ..task import Arrays, Targets, Task
from .out_of_choice import Rank

__all__ = ["figures_of", "ranked_by"]


def figures_of(outputs: Arrays, targets: Targets, task: Task) -> dict[str, float]:
    """The task's figures of outputs that were kept whole, (N, ...) by name."""
    meter = task.meter()
    meter.add(
        {name: torch.from_numpy(values) for name, values in outputs.items()}, targets.pick(np.arange(len(targets)))
    )
    return meter.result()


def ranked_by(task: Task, targets: Targets) -> Rank:
    """What ranks answers to pictures with these targets: the task's score, of equal ones the loss."""

    def rank(answers: Arrays, rows: NDArray[np.intp]) -> tuple[float, float]:
        some = {name: values[rows] for name, values in answers.items()}
        figures = figures_of(some, targets.select(rows), task)
        return task.score.rank(figures[task.score.name]), -figures["loss"]

    return rank
