"""What a training is made from: the task, the recipe, the two feeds, and the mode that trains fastest here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from edgelens.runtime.errors import UsageError

from . import augment
from .augment import Recipe
from .augment.missing import against_missing
from .config import TrainConfig
from .data.prepare import Part, TrainData
from .feed import Feed
from .loop import Ingredients
from .optimize.distributed import World
from .optimize.precision import fastest, laid_out
from .runs.run import Run
from .start.distill import Distillation
from .task import Task
from .tasks.catalog import task_builder
from .tasks.classify.imbalance import Remedy, choose_remedy, class_weights

__all__ = ["gather", "training_recipe"]

Say = Callable[[str], None]


def gather(
    config: TrainConfig, data: TrainData, network: nn.Module, world: World, say: Say, mode: str | None = None
) -> tuple[Ingredients, str, dict[str, float]]:
    """Everything the loop needs, the mode (measured, unless an earlier run's is given), and what each mode reached."""
    counts = np.bincount(data.train.labels, minlength=len(data.classes))
    remedy = choose_remedy(counts, config.imbalance)
    if remedy.method != "none":
        say(f"imbalance: {remedy.why}")
    task = _task(config, data, remedy, counts)
    recipe = training_recipe(config, data, say)
    network.to(world.device)
    speeds: dict[str, float] = {}
    if mode is None:
        mode, speeds = _mode(config, data, network, task, world)
    if not len(data.val):
        say("warning: no images are left to validate on: the scores are those of the training images")
    made_of = Ingredients(
        task,
        recipe,
        _feed(data.train, mode, world),
        _feed(data.val if len(data.val) else data.train, mode, world),
        balanced=data.train.labels if remedy.method == "balanced" else None,
        distillation=_teacher(config, data, mode, world),
    )
    return made_of, mode, speeds


def training_recipe(config: TrainConfig, data: TrainData, say: Say = lambda _: None) -> Recipe:
    """The named recipe, unmirrored where the classes ask for it, with holes where the data has them."""
    mirror = augment.mirror_is_safe(data.classes) if config.mirror is None else config.mirror
    recipe, said = against_missing(augment.recipe(config.augment, mirror=mirror), data.train.missing)
    if said:
        say(said)
    return recipe


def _task(config: TrainConfig, data: TrainData, remedy: Remedy, counts: np.ndarray) -> Task:
    return task_builder(config.task)(
        data.classes,
        loss="focal" if remedy.method == "focal" else config.loss,
        focal_gamma=config.focal_gamma,
        label_smoothing=config.label_smoothing,
        class_weights=torch.from_numpy(class_weights(counts)) if remedy.method == "weights" else None,
    )


def _mode(
    config: TrainConfig, data: TrainData, network: nn.Module, task: Task, world: World
) -> tuple[str, dict[str, float]]:
    count = min(config.batch, len(data.train))
    feed = _feed(data.train, "float32", world)
    inputs, targets = feed.augmented(np.arange(count), task, augment.recipe("none"), config.seed, 0)
    mode, speeds = fastest(network, inputs, lambda outputs: task.loss(outputs, targets).mean(), config.precision)
    return world.told(mode), speeds


def _feed(part: Part, mode: str, world: World) -> Feed:
    """A split on the device that trains, where it fits there."""
    targets = torch.from_numpy(part.labels)
    if world.device.type == "cuda" and _bytes(part) < torch.cuda.mem_get_info(world.device)[0] // 2:
        pixels = torch.from_numpy(part.pictures.take(slice(None))).to(world.device)
        return Feed(pixels, targets.to(world.device), world.device, mode)
    return Feed(part.pictures, targets, world.device, mode)


def _teacher(config: TrainConfig, data: TrainData, mode: str, world: World) -> Distillation | None:
    if config.teacher is None:
        return None
    run = Run.open(config.teacher)
    if run.classes != data.classes:
        raise UsageError(f"--teacher {config.teacher}: knows other classes than {config.data}")
    if run.pixels != data.pixels:
        raise UsageError(
            f"--teacher {config.teacher}: looks at {run.pixels.width}×{run.pixels.height} {run.pixels.color} pictures,"
            f" this run at {data.pixels.width}×{data.pixels.height} {data.pixels.color}"
        )
    teacher = laid_out(run.model().to(world.device), mode).requires_grad_(requires_grad=False)
    return Distillation(teacher, config.teacher_share, config.teacher_temperature)


def _bytes(part: Part) -> int:
    return int(np.prod(part.pictures.shape))
