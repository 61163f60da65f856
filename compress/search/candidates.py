"""Making a candidate: the network that a plan asks for, after a short recovery or a long one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.cost import Cost, cost_of
from edgelens.train.tasks.catalog import make_network

from ..ingredients import Ingredients
from ..learn.finetune import FineTune, finetune
from ..learn.lesson import Lesson, lesson_of
from ..learn.pictures import Pictures
from ..learn.taught import AtItsSize
from ..network.knowing import giving_as
from ..prune.iterative import PruneConfig, narrower
from .space import Attempt

__all__ = ["Recovery", "bare_network", "estimate", "recovered", "seen_by"]


@dataclass(frozen=True)
class Recovery:
    """How long a candidate learns in each stage, in passes over the training pictures."""

    short: float = 2.0
    long: float = 10.0
    short_steps: int = 150  # at least, each of 128 pictures, however few there are
    long_steps: int = 700
    most_pictures: int = 20_000

    def epochs(self, stage: str, pictures: int, batch: int = 128) -> float:
        """The passes of a stage over so many pictures."""
        epochs, steps = (self.short, self.short_steps) if stage == "short" else (self.long, self.long_steps)
        return max(epochs, steps * batch / max(pictures, 1))


def seen_by(plan: Attempt, made_of: Ingredients) -> Ingredients:
    """The ingredients as the plan's network sees it: the same images, at its own size."""
    pixels = plan.pixels(made_of.pixels)
    if pixels == made_of.pixels:
        return made_of
    run = dataclasses.replace(made_of.run, facts=dataclasses.replace(made_of.run.facts, pixels=pixels))

    def seen(pictures: Pictures) -> Pictures:
        return dataclasses.replace(pictures, pixels=pictures.at(pixels))

    return dataclasses.replace(
        made_of,
        run=run,
        calibrating=seen(made_of.calibrating),
        evaluation=seen(made_of.evaluation),
        validation=seen(made_of.validation),
    )


def bare_network(plan: Attempt, made_of: Ingredients, lesson: Lesson) -> nn.Module:
    """The candidate's network before it has learned anything of its own."""
    network = made_of.network
    pixels = made_of.pixels
    if plan.kind == "pruned":
        whole = cost_of(network, pixels.channels, (pixels.height, pixels.width)).macs
        return narrower(network, pixels, whole * plan.share, lesson, PruneConfig(plan.share))
    if plan.kind == "narrower":
        config = made_of.run.config
        options = dataclasses.replace(config.options, width=config.options.width * plan.share)
        torch.manual_seed(0)
        wanted = dataclasses.replace(config, options=options)
        made = make_network(wanted, made_of.run.classes, plan.pixels(pixels)).eval()
        return giving_as(network, made)
    return network


def estimate(network: nn.Module, pixels: PixelContract) -> Cost:
    """Weights and multiply-adds: all that can be known of a candidate in a moment."""
    return cost_of(network, pixels.channels, (pixels.height, pixels.width))


def recovered(
    plan: Attempt,
    network: nn.Module,
    made_of: Ingredients,
    teacher: nn.Module,
    stage: str,
    recovery: Recovery,
    seconds: float,
    progress: Callable[[str], None] | None = None,
) -> nn.Module:
    """The candidate after learning from `teacher`, for so long at most; `made_of` is what the candidate sees."""
    if plan.kind == "trained":
        return network
    lesson = lesson_of(made_of.run, made_of.training_pictures(most=recovery.most_pictures), made_of.pixels)
    if plan.side != 1:
        golden = made_of.golden.pictures  # still of the whole picture's size
        teacher = AtItsSize(teacher, golden.shape[1], golden.shape[2])
    rate = 1e-3 if plan.kind == "pruned" else 3e-3
    features = 0.5 if plan.side == 1 else 0.0
    network.train()
    epochs = recovery.epochs(stage, len(lesson.pictures))
    tuning = FineTune(epochs=epochs, rate=rate, features=features, seconds=seconds)
    finetune(network, teacher.eval(), lesson, tuning, progress=progress)
    return network.eval()
