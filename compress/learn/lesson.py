"""What a repair learns from: the training task with its own loss and augmentation, and the run's pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.augment import Recipe, recipe
from edgelens.train.batches import epoch_batches
from edgelens.train.data.targets import Targets
from edgelens.train.ingredients import run_recipe, run_task
from edgelens.train.runs.run import Run
from edgelens.train.task import Draw, Outputs, Task, by_name

from .pictures import Pictures

__all__ = ["Lesson", "distance", "lesson_of"]

_TOGETHER, _PIXELS = 64, 2**20  # pictures and their pixels a batch where nothing is learned: gradients keep every map


@dataclass(frozen=True)
class Lesson:
    """What is learned from: the training task with its loss, its augmentation, the pictures and what they show."""

    task: Task
    recipe: Recipe
    pictures: Pictures
    targets: Targets  # a row a picture of the whole image set
    balanced: NDArray[np.int64] | None = None  # kinds that are to come equally often
    repeats: NDArray[np.float64] | None = None  # how often each comes beside the others
    trained_in: str = "auto"  # the training's number format and layout
    per_step: int = 128  # pictures a step that a training has: of few, few, or there would hardly be a step

    def batches_of(self, epoch: int, images: int, seed: int) -> list[NDArray[np.intp]]:
        """An epoch's draws, about so many pictures a step, in the company that the task's loss asks for."""
        together = self.task.together
        return epoch_batches(
            len(self.pictures), images, seed, epoch, self.balanced, together=together, repeats=self.repeats
        )  # fmt: skip

    def batch(self, rows: NDArray[np.intp], seed: int, epoch: int) -> tuple[Tensor, Any]:
        """Augmented inputs (B, C, H, W) and targets, by draws as `batches_of` gives them."""
        draw, rows = Draw(seed, epoch, torch.from_numpy(rows)), rows % len(self.pictures)
        pixels = torch.from_numpy(np.ascontiguousarray(self.pictures.pixels[rows].transpose(0, 3, 1, 2)))
        return self.task.augment(self.recipe, pixels, self.targets.pick(self.pictures.rows[rows]), draw)

    def first(self, count: int) -> Lesson:
        """The first so many pictures, as they are."""
        return replace(self, pictures=self.pictures.first(count), recipe=recipe("none"))

    def plain(self, count: int) -> Iterator[tuple[Tensor, Any]]:
        """Inputs and targets of the first so many pictures, as they are, in batches."""
        first = self.first(count)
        _, height, width, _ = first.pictures.pixels.shape
        together = max(min(_TOGETHER, _PIXELS // (height * width)), 1)
        for rows in np.array_split(np.arange(len(first.pictures)), -(-len(first.pictures) // together)):
            yield first.batch(rows, 0, 0)

    def loss(self, outputs: Any, targets: Any) -> Tensor:
        """(B,): the loss that the network was trained with."""
        return self.task.loss(by_name(outputs, self.task.outputs), targets)


def lesson_of(run: Run, pictures: Pictures, pixels: PixelContract) -> Lesson:
    """A run's own lesson on pictures that a contract made: its loss, class weights and augmentation."""
    task = run_task(run)
    targets = task.targets(pictures.images, pixels)
    own = targets.select(pictures.rows)
    balanced, repeats = task.balance(own), task.repeats(own)
    per_step = run.config.batch or task.pace.per_step(len(pictures))
    trained_in = str(run.facts.environment.get("precision", "auto"))
    return Lesson(task, run_recipe(run), pictures, targets, balanced, repeats, trained_in, per_step)


def distance(task: Task, outputs: Outputs, teacher: Outputs, temperature: float) -> Tensor:
    """(B,): how far answers are from a teacher's, as the task says, else by the square of what each output differs."""
    if task.distil is not None:
        return task.distil(outputs, teacher, temperature)
    apart = [(outputs[name].float() - teacher[name].float()).square().flatten(1).mean(1) for name in task.outputs]
    return torch.stack(apart).sum(0)
