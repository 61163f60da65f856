"""The short training that repairs a compressed network: its own task's loss, a teacher's answers and features."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.train.augment import normalised
from edgelens.train.batches import epoch_batches
from edgelens.train.optimize.precision import autocast, fastest, laid_out
from edgelens.train.task import by_name

from .lesson import Lesson, distance
from .pictures import Pictures

__all__ = ["FineTune", "finetune"]


@dataclass(frozen=True)
class FineTune:
    """How long and how fast a compressed network is repaired, and how much of the loss is the teacher's."""

    epochs: float = 5.0
    rate: float = 1e-3
    batch: int = 128  # at most; a training's own where that is smaller
    weight_decay: float = 1e-4
    share: float = 0.7  # of the loss that is the teacher's answers; 0 learns from labels alone
    temperature: float = 4.0
    features: float = 0.0  # weight of the squared distance between normalised feature maps
    range_rate: float = 0.1  # of the rate, for learned ranges
    warmup: float = 0.05  # of all steps
    precision: str = "auto"  # "float32", "channels-last", "bfloat16", or whichever trains fastest here
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
    """Train `student` in place by AdamW with a cosine schedule; its mode (training or evaluation) is left as it is."""
    began, data = time.monotonic(), lesson.pictures
    config = replace(config, batch=min(config.batch, lesson.per_step))
    how = _fastest(student, lesson, config)
    laid_out(student, how)
    steps = max(round(config.epochs * len(data) / config.batch), 1)
    features = _watched(student, teacher, data) if config.features else None
    optimizer = torch.optim.AdamW(_groups(student, features, config), betas=(0.9, 0.99))
    rates = [group["lr"] for group in optimizer.param_groups]
    for step, (epoch, rows) in enumerate(_batches(lesson, config, steps)):
        reached = max(step, steps * (time.monotonic() - began) / config.seconds)
        if reached >= steps:
            break
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * _share_of_rate(reached, steps, config.warmup)
        inputs, targets = lesson.batch(rows, config.seed, epoch)
        loss = _loss(student, teacher, lesson, laid_out(inputs, how), targets, config, features, how)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if progress is not None and step % 10 == 0:
            progress(f"step {step + 1}/{steps}  loss {float(loss.detach()):.4f}")
    if features is not None:
        features.remove()
    laid_out(student, "float32")  # exporters keep the layout that they find
    return student


def _fastest(student: nn.Module, lesson: Lesson, config: FineTune) -> str:
    """The number format and layout to train in; the student is left as it was."""
    training = student.training
    plain = lesson.first(config.batch)
    inputs, targets = plain.batch(np.arange(len(plain.pictures)), config.seed, 0)
    mode, _ = fastest(student, inputs, lambda outputs: lesson.loss(outputs, targets).mean(), config.precision)
    laid_out(student, "float32").train(training)
    return mode


def _watched(student: nn.Module, teacher: nn.Module | None, data: Pictures) -> _Features | None:
    """Feature maps to compare, where both networks have a name for them."""
    if teacher is None or not (hasattr(student, "forward_features") and hasattr(teacher, "forward_features")):
        return None
    features = _Features(student, teacher)
    pixels = np.ascontiguousarray(data.pixels[:2].transpose(0, 3, 1, 2))
    features.fit(normalised(torch.from_numpy(pixels)), student, teacher)
    return features


def _loss(
    student: nn.Module,
    teacher: nn.Module | None,
    lesson: Lesson,
    inputs: Tensor,
    targets: Any,
    config: FineTune,
    features: _Features | None,
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


def _groups(student: nn.Module, features: _Features | None, config: FineTune) -> list[dict[str, Any]]:
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


def _share_of_rate(step: float, steps: int, warmup: float) -> float:
    rising = max(warmup * steps, 1)
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(steps - rising, 1)
    return 0.5 * (1 + float(np.cos(np.pi * min(done, 1.0))))


def _batches(lesson: Lesson, config: FineTune, steps: int) -> Iterator[tuple[int, NDArray[np.intp]]]:
    step = epoch = 0
    while step < steps:
        for rows in epoch_batches(
            len(lesson.pictures), config.batch, config.seed, epoch, lesson.balanced, repeats=lesson.repeats
        ):
            if step >= steps:
                return
            yield epoch, rows
            step += 1
        epoch += 1


class _Features:
    """The maps that student and teacher answer from, one or several, and how far apart they are."""

    def __init__(self, student: nn.Module, teacher: nn.Module) -> None:
        self.kept: dict[str, list[Tensor]] = {}
        self._restore: list[tuple[nn.Module, Any]] = []
        self.adapter = nn.ModuleList()
        for name, network in (("student", student), ("teacher", teacher)):
            self._watch(name, network)

    def _watch(self, name: str, network: nn.Module) -> None:
        original: Any = network.forward_features

        def watched(x: Tensor) -> Any:
            maps = original(x)
            self.kept[name] = [*maps.values()] if isinstance(maps, Mapping) else [maps]
            return maps

        network.forward_features = watched  # type: ignore[assignment]
        self._restore.append((network, original))

    def fit(self, inputs: Tensor, student: nn.Module, teacher: nn.Module) -> None:
        """Make the adapters that bring the student's channels to the teacher's."""
        with torch.no_grad():
            student(inputs)
            teacher(inputs)
        self.adapter.extend(
            _adapter(own.shape, other.shape)
            for own, other in zip(self.kept["student"], self.kept["teacher"], strict=False)
        )

    def distance(self) -> Tensor:
        """Squared distance of maps of unit length, the mean over several."""
        pairs = zip(self.adapter, self.kept["student"], self.kept["teacher"], strict=False)
        return torch.stack(
            [_apart(adapter(own.float()), other.detach().float()) for adapter, own, other in pairs]
        ).mean()

    def remove(self) -> None:
        """Leave both networks as they were."""
        for network, _ in self._restore:
            del network.forward_features


def _adapter(own: Sequence[int], other: Sequence[int]) -> nn.Module:
    """What brings one map's channels to another's."""
    if len(own) == 4 and own[1] != other[1]:
        return nn.Conv2d(own[1], other[1], 1, bias=False)
    if len(own) == 3 and own[2] != other[2]:
        return nn.Linear(own[2], other[2], bias=False)
    return nn.Identity()


def _apart(own: Tensor, other: Tensor) -> Tensor:
    if own.ndim == 4 and own.shape[2:] != other.shape[2:]:
        other = F.adaptive_avg_pool2d(other, (own.shape[2], own.shape[3]))
    return (F.normalize(own.flatten(1), dim=1) - F.normalize(other.flatten(1), dim=1)).square().sum(1).mean()
