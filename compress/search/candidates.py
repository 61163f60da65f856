"""Making a candidate: the network that a plan asks for, after a short recovery or a long one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.catalog import build
from edgelens.train.models.cost import Cost, cost_of

from ..learn.finetune import FineTune, finetune, recipe_of
from ..learn.pictures import Pictures, pictures_of
from ..material import Material, split_of
from ..prune.attention import has_attention
from ..prune.channels import prune_to_macs
from ..prune.iterative import PruneConfig, narrower
from .space import Plan

__all__ = ["Lesson", "bare_network", "estimate", "recovered", "seen_by"]


@dataclass(frozen=True)
class Lesson:
    """How long a candidate learns in each stage, in passes over the training pictures."""

    short: float = 2.0
    long: float = 10.0
    short_steps: int = 150  # at least, however few pictures there are
    long_steps: int = 700
    most_pictures: int = 20_000

    def epochs(self, stage: str, pictures: int, batch: int = 128) -> float:
        """The passes of a stage over so many pictures."""
        epochs, steps = (self.short, self.short_steps) if stage == "short" else (self.long, self.long_steps)
        return max(epochs, steps * batch / max(pictures, 1))


class _Upscaled(nn.Module):
    """A teacher that sees the student's smaller picture at its own size."""

    def __init__(self, teacher: nn.Module, height: int, width: int) -> None:
        super().__init__()
        self.teacher, self.size = teacher, (height, width)

    def forward(self, x: Tensor) -> Tensor:
        """The teacher's answers."""
        answers: Tensor = self.teacher(F.interpolate(x, self.size, mode="bilinear", antialias=True))
        return answers


def seen_by(plan: Plan, material: Material) -> Material:
    """The material as the plan's network sees it: the same images, at its own size."""
    pixels = plan.pixels(material.pixels)
    if pixels == material.pixels:
        return material
    run = dataclasses.replace(material.run, facts=dataclasses.replace(material.run.facts, pixels=pixels))
    calibration = split_of(run, "train", "val")[0]
    held = pictures_of(material.evaluation.images, pixels, most=len(material.evaluation))
    checked = pictures_of(material.validation.images, pixels, most=len(material.validation))
    return dataclasses.replace(
        material,
        run=run,
        calibration=pictures_of(calibration, pixels, most=len(material.calibration)).pixels,
        evaluation=held,
        validation=checked,
    )


def bare_network(plan: Plan, material: Material, data: Pictures) -> nn.Module:
    """The candidate's network before it has learned anything of its own."""
    network = material.network
    pixels = material.pixels
    if plan.kind == "pruned":
        whole = cost_of(network, pixels.channels, (pixels.height, pixels.width)).macs
        if has_attention(network):
            return narrower(network, pixels, whole * plan.share, data, PruneConfig(plan.share))
        return prune_to_macs(network, pixels, whole * plan.share)
    if plan.kind == "narrower":
        config, seen = material.run.config, plan.pixels(pixels)
        width = config.options.width * plan.share
        torch.manual_seed(0)
        return build(
            config.model,
            dataclasses.replace(config.options, width=width),
            channels=pixels.channels,
            classes=len(material.run.classes),
            size=(seen.height, seen.width),
        ).eval()
    return network


def estimate(network: nn.Module, pixels: PixelContract) -> Cost:
    """Weights and multiply-adds: all that can be known of a candidate in a moment."""
    return cost_of(network, pixels.channels, (pixels.height, pixels.width))


def recovered(
    plan: Plan,
    network: nn.Module,
    material: Material,
    teacher: nn.Module,
    stage: str,
    lesson: Lesson,
    progress: Callable[[str], None] | None = None,
) -> nn.Module:
    """The candidate after learning from `teacher`; `material` is what the candidate sees."""
    if plan.kind == "trained":
        return network
    images, _ = split_of(material.run, "train")
    data = pictures_of(images, material.pixels, most=lesson.most_pictures)
    if plan.side != 1:
        golden = material.golden.pictures  # still of the whole picture's size
        teacher = _Upscaled(teacher, golden.shape[1], golden.shape[2])
    rate = 1e-3 if plan.kind == "pruned" else 3e-3
    features = 0.5 if plan.side == 1 else 0.0
    network.train()
    tuning = FineTune(epochs=lesson.epochs(stage, len(data)), rate=rate, features=features)
    finetune(network, teacher.eval(), data, recipe_of(material.run), tuning, progress=progress)
    return network.eval()
