"""What a training is made from: the task, the recipe, the two feeds, and the mode that trains fastest here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract

from . import augment
from .augment import Recipe, recipe_from_json
from .augment.missing import against_missing
from .batches import Batches, epoch_batches
from .config import TrainConfig
from .data.train_data import Part, TrainData
from .optimize.distributed import World
from .optimize.optimizers import OPTIMIZERS
from .optimize.precision import fastest, images_per_s, laid_out
from .runs.run import Run
from .start.distill import Distillation
from .task import Task, by_name
from .tasks.catalog import make_task

__all__ = [
    "Ingredients",
    "class_counts",
    "gather",
    "learnt_at_of",
    "named_recipe",
    "run_recipe",
    "run_task",
    "speed_in",
    "training_counts",
    "training_recipe",
]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ingredients:
    """What a training is made from besides its configuration."""

    task: Task
    recipe: Recipe
    data: Batches
    val: Batches
    balanced: NDArray[np.int64] | None = None  # the kind of each picture, where every kind is to come equally often
    repeats: NDArray[np.float64] | None = None  # how often each comes beside the others, where not all come alike
    distillation: Distillation | None = None

    @property
    def validates(self) -> bool:
        """Whether pictures are left to validate on; else the scores are those of the training images."""
        return self.val is not self.data

    def per_step(self, config: TrainConfig) -> int:
        """Images a step: all of them where the optimizer goes by the gradient of the whole split."""
        return len(self.data) if OPTIMIZERS[config.optimizer].full_batch else config.batch

    def batches_of(self, epoch: int, images: int, seed: int) -> list[NDArray[np.intp]]:
        """An epoch's draws from `data`, about so many images a step."""
        together = self.task.together
        return epoch_batches(
            len(self.data), images, seed, epoch, self.balanced, together=together, repeats=self.repeats
        )  # fmt: skip


def gather(
    config: TrainConfig, data: TrainData, network: nn.Module, world: World, say: Say, mode: str | None = None
) -> tuple[Ingredients, str, dict[str, float]]:
    """Everything the loop needs, the mode (measured, unless an earlier run's is given), and what each mode reached."""
    task = make_task(config, data.classes, training_counts(data))
    for note in task.notes():
        say(note)
    recipe = training_recipe(config, data, task, say)
    network.to(world.device)
    train, speeds = _batches(data.train, data.pixels, task, "float32", world), dict[str, float]()
    learnt_at = learnt_at_of(config, task)
    if mode is None:
        mode, speeds = _mode(config, replace(train, learnt_at=learnt_at), network, task, world)
    if not len(data.val):
        say("warning: no images are left to validate on: the scores are those of the training images")
    train = replace(train, mode=mode, learnt_at=learnt_at)
    made_of = Ingredients(
        task,
        recipe,
        train,
        _batches(data.val, data.pixels, task, mode, world) if len(data.val) else train,
        balanced=task.balance(train.targets),
        repeats=task.repeats(train.targets),
        distillation=_teacher(config, data, task, mode, world),
    )
    return made_of, mode, speeds


def learnt_at_of(config: TrainConfig, task: Task) -> float:
    """The share of the pictures' side at which they are learnt: all of it where targets are places in them."""
    return 1.0 if task.sized else config.learnt_at


def training_counts(data: TrainData) -> tuple[int, ...]:
    """Training images a class, or what else is learnt from them; what a teacher only named is not counted."""
    return class_counts(data.train.images.select(np.arange(len(data.train) - data.train.named)))


def class_counts(images: ImageSet) -> tuple[int, ...]:
    """How many things of each class a set has."""
    return tuple(images.counted().tolist())


def training_recipe(config: TrainConfig, data: TrainData, task: Task, say: Say = lambda _: None) -> Recipe:
    """The named recipe, unmirrored where the classes ask for it, with holes where the data has them."""
    recipe, said = against_missing(named_recipe(config, data.classes, task), data.train.missing)
    if said:
        say(said)
    return recipe


def run_task(run: Run) -> Task:
    """The task with the very loss, class weights and augmentation that a run was trained with."""
    counts = run.facts.counts
    if counts is None:  # an earlier kit's
        counts = class_counts(run.split("train"))
    return make_task(run.config, run.classes, counts)


def run_recipe(run: Run) -> Recipe:
    """The augmentation that a run was trained with."""
    stored = run.facts.recipe
    if stored is not None:
        return recipe_from_json(stored)
    return named_recipe(run.config, run.classes, make_task(run.config, run.classes))


def named_recipe(config: TrainConfig, classes: Sequence[str], task: Task) -> Recipe:
    """The recipe that a configuration names, with what it and the classes' names say of mirrors."""
    mirror = augment.mirror_is_safe(classes) if config.mirror is None else config.mirror
    return augment.recipe(config.augmentation, mirror=mirror, sided=config.mirror is False, own=task.recipes)


def _mode(
    config: TrainConfig, train: Batches, network: nn.Module, task: Task, world: World
) -> tuple[str, dict[str, float]]:
    mode, speeds = fastest(network, *_one_step(config, train, task), config.precision)
    return world.told(mode), speeds


def speed_in(
    mode: str, speeds: Mapping[str, float], config: TrainConfig, made_of: Ingredients, network: nn.Module
) -> float:
    """Images per second of training steps in a mode, measured now where that was not compared with others; the
    network's weights are left as they are."""
    return speeds.get(mode) or images_per_s(network, *_one_step(config, made_of.data, made_of.task), mode)


def _one_step(config: TrainConfig, train: Batches, task: Task) -> tuple[Tensor, Callable[[Any], Tensor]]:
    """A batch of inputs, and what the network's answer to it costs."""
    first = np.arange(min(config.batch, len(train)))
    inputs, targets = train.augmented(first, task, augment.recipe("none"), config.seed, 0)

    def loss(raw: Any) -> Tensor:
        return task.loss(by_name(raw, task.outputs), targets).mean()

    return inputs, loss


def _batches(part: Part, contract: PixelContract, task: Task, mode: str, world: World) -> Batches:
    """A split on the device that trains, where it fits there."""
    targets, pixels = task.targets(part.images, contract).to(world.device), part.pictures
    if world.device.type == "cuda" and _bytes(part) < torch.cuda.mem_get_info(world.device)[0] // 2:
        return Batches(torch.from_numpy(pixels.take(slice(None))).to(world.device), targets, world.device, mode)
    return Batches(pixels, targets, world.device, mode)


def _teacher(config: TrainConfig, data: TrainData, task: Task, mode: str, world: World) -> Distillation | None:
    if config.teacher is None:
        return None
    if task.distil is None:
        raise UsageError(f"--teacher {config.teacher}: the task {task.name} learns from labels alone")
    run = Run.open(config.teacher)
    if run.config.task != config.task:
        raise UsageError(f"--teacher {config.teacher}: learned the task {run.config.task}, this one is {config.task}")
    if run.classes != data.classes:
        raise UsageError(f"--teacher {config.teacher}: knows other classes than {config.data}")
    if run.pixels.resize != data.pixels.resize:
        raise UsageError(
            f"--teacher {config.teacher}: sees photos by {run.pixels.resize}, this run by {data.pixels.resize}; take"
            f" --resize {run.pixels.resize}"
        )
    if make_task(run.config, run.classes).outputs != task.outputs:
        raise UsageError(f"--teacher {config.teacher}: answers in other cells than this run; take its --finest")
    theirs, ours = ((pixels.height, pixels.width) for pixels in (run.pixels, data.pixels))
    if task.sized and theirs != ours:
        raise UsageError(
            f"--teacher {config.teacher}: answers for pictures of {theirs[0]}x{theirs[1]}, this run for"
            f" {ours[0]}x{ours[1]}; take --size {theirs[0]}x{theirs[1]}"
        )
    labelled = len(data.train) - data.train.named
    teacher = laid_out(run.model().to(world.device), mode).requires_grad_(requires_grad=False)
    return Distillation(teacher, run.pixels, config.teacher_share, config.teacher_temperature, labelled)


def _bytes(part: Part) -> int:
    return int(np.prod(part.pictures.shape))
