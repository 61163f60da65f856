"""The short training that repairs a compressed network: its own task's loss, a teacher's answers and features."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.train.optimize.precision import MODES, autocast, fastest, kept, laid_out
from edgelens.train.optimize.schedules import factor
from edgelens.train.task import by_name

from .feature_maps import FeatureMaps, compared
from .lesson import Lesson, distance
from .norms import settle_norms

__all__ = ["FineTune", "finetune"]


@dataclass(frozen=True)
class FineTune:
    """How long and how fast a compressed network is repaired, and how much of the loss is the teacher's."""

    epochs: float = 5.0
    least_steps: int = 0  # however few pictures there are
    rate: float = 1e-3
    batch: int = 128  # at most; a training's own where that is smaller
    weight_decay: float = 1e-4
    share: float = 0.7  # of the loss that is the teacher's answers; 0 learns from labels alone
    temperature: float = 4.0
    features: float = 0.0  # weight of the squared distance between normalised feature maps
    range_rate: float = 0.1  # of the rate, for learned ranges
    warmup: float = 0.05  # of all steps
    precision: str = "auto"  # a mode of `MODES`, or the training's own unless that is hopeless here
    seed: int = 0
    seconds: float = math.inf  # at most: fewer steps then, over which the rate still falls to nothing


def finetune(
    student: nn.Module,
    teacher: nn.Module | None,
    lesson: Lesson,
    config: FineTune,
    *,
    progress: Callable[[str], None] | None = None,
) -> nn.Module:
    """Train `student` in place by AdamW with a cosine schedule; its mode (training or evaluation) is left as it is.

    What its batch normalisations learned to expect is measured anew at the end.
    """
    began, data = time.monotonic(), lesson.pictures
    config = replace(config, batch=min(config.batch, lesson.per_step))
    how = _mode(student, lesson, config)
    laid_out(student, how)
    steps = max(round(config.epochs * len(data) / config.batch), config.least_steps, 1)
    warmup = max(1, round(config.warmup * steps))
    torch.manual_seed(config.seed)  # adapters' first weights and dropout, whatever was drawn before
    with compared(student, teacher if config.features else None, data.pixels[:2]) as features:
        optimizer = torch.optim.AdamW(_groups(student, features, config), betas=(0.9, 0.99))
        rates = [group["lr"] for group in optimizer.param_groups]
        for step, (epoch, rows) in enumerate(_batches(lesson, config, steps)):
            reached = max(step, steps * (time.monotonic() - began) / config.seconds)
            if reached >= steps:
                break
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor("cosine", reached, steps, warmup)
            inputs, targets = lesson.batch(rows, config.seed, epoch)
            loss = _loss(student, teacher, lesson, laid_out(inputs, how), targets, config, features, how)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if progress is not None and step % 10 == 0:
                progress(f"step {step + 1}/{steps}  loss {float(loss.detach()):.4f}")
    laid_out(student, "float32")  # exporters keep the layout that they find
    settle_norms(student, lesson, config.batch, config.seed)
    return student


def _mode(student: nn.Module, lesson: Lesson, config: FineTune) -> str:
    """The number format and layout to train in; the student is left as it was."""
    training = student.training
    plain = lesson.first(config.batch)
    inputs, targets = plain.batch(np.arange(len(plain.pictures)), config.seed, 0)

    def loss(outputs: Any) -> Tensor:
        return lesson.loss(outputs, targets).mean()

    if config.precision == "auto" and lesson.trained_in in MODES:
        mode = kept(student, inputs, loss, lesson.trained_in)
    else:
        mode, _ = fastest(student, inputs, loss, config.precision)
    laid_out(student, "float32").train(training)
    return mode


def _loss(
    student: nn.Module,
    teacher: nn.Module | None,
    lesson: Lesson,
    inputs: Tensor,
    targets: Any,
    config: FineTune,
    features: FeatureMaps | None,
    how: str,
) -> Tensor:
    task = lesson.task
    with autocast(how, inputs.device):
        outputs = {name: value.float() for name, value in by_name(student(inputs), task.outputs).items()}
    loss = task.loss(outputs, targets).mean()
    if teacher is None or (not config.share and features is None):
        return loss
    with torch.no_grad(), autocast(how, inputs.device):
        answers = {name: value.float() for name, value in by_name(teacher(inputs), task.outputs).items()}
    loss = (1 - config.share) * loss
    loss = loss + config.share * distance(task, outputs, answers, config.temperature).mean()
    return loss if features is None else loss + config.features * features.distance()


def _groups(student: nn.Module, features: FeatureMaps | None, config: FineTune) -> list[dict[str, Any]]:
    """Weights decay; biases and learned ranges do not, and ranges move more slowly."""
    named = [(name, p) for name, p in student.named_parameters() if p.requires_grad]
    ranges = [p for name, p in named if name.startswith("quantize_")]
    weights = [p for name, p in named if not name.startswith("quantize_") and p.ndim > 1]
    others = [p for name, p in named if not name.startswith("quantize_") and p.ndim <= 1]
    groups = [
        {"params": weights, "lr": config.rate, "weight_decay": config.weight_decay},
        {"params": others, "lr": config.rate, "weight_decay": 0.0},
        {"params": ranges, "lr": config.rate * config.range_rate, "weight_decay": 0.0},
    ]
    if features is not None:
        groups.append({"params": list(features.adapter.parameters()), "lr": config.rate, "weight_decay": 0.0})
    return [group for group in groups if group["params"]]


def _batches(lesson: Lesson, config: FineTune, steps: int) -> Iterator[tuple[int, NDArray[np.intp]]]:
    step = epoch = 0
    while step < steps:
        for rows in lesson.batches_of(epoch, config.batch, config.seed):
            if step >= steps:
                return
            yield epoch, rows
            step += 1
        epoch += 1
