"""Distillation: a smaller network learns the answers and the features of a larger one."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from edgelens.runtime.errors import DataError
from edgelens.train.config import BACKBONE, TrainConfig
from edgelens.train.models.options import ModelOptions
from edgelens.train.runs.run import Run
from edgelens.train.start.pretrained import suits
from edgelens.train.start.transfer import start_from
from edgelens.train.tasks.catalog import make_network, make_task

from .finetune import FineTune, finetune
from .head import fit_head
from .lesson import Lesson

__all__ = ["TAUGHT", "DistillConfig", "distill_into", "load_teacher", "student_of"]

TAUGHT = "taught"  # how what learned is called among what came of a student


@dataclass(frozen=True)
class DistillConfig:
    """Which network learns, and how."""

    model: str
    options: ModelOptions = field(default_factory=ModelOptions)
    tuning: FineTune = field(default_factory=lambda: FineTune(epochs=30, rate=2e-3, features=1.0))


def distill_into(
    run: Run,
    teacher: nn.Module,
    lesson: Lesson,
    config: DistillConfig,
    *,
    progress: Callable[[str], None] | None = None,
) -> dict[str, nn.Module]:
    """A fresh network of another kind or width, taught by `teacher` on the run's training pictures: what came of it.

    It begins as a training of it would: with weights of its own where there are some, and then with a head that fits.
    Few pictures can teach such a one less than it knew, so that what it began as is among what came of it, first; where
    a training fits its head once more on what was learned, that is, too. Which of them is best, other pictures tell.
    """
    student, came = student_of(run, config).train(), dict[str, nn.Module]()
    wanted = dataclasses.replace(_wanted(run, config), start=None, scratch=False)
    if suits(wanted, lesson.pictures.images, run.pixels):
        start_from(student, BACKBONE, lesson.task.heads, model=config.model, task=run.config.task)
        before = copy.deepcopy(student).eval()
        if fit_head(before, lesson):
            came["as it began"] = before
        fit_head(student, lesson)
    finetune(student, teacher.eval(), lesson, config.tuning, progress=progress)
    came[TAUGHT] = student.eval()
    if lesson.task.refit is not None:
        again = copy.deepcopy(student)
        if fit_head(again, lesson):
            came[f"{TAUGHT}, its head fitted once more"] = again
    return came


def student_of(run: Run, config: DistillConfig) -> nn.Module:
    """The network that is to learn, with random weights, always the same."""
    torch.manual_seed(config.tuning.seed)
    return make_network(_wanted(run, config), run.classes, run.pixels)


def _wanted(run: Run, config: DistillConfig) -> TrainConfig:
    """The run's configuration with the student's network, which answers at the run's own strides: they are its task."""
    options = dataclasses.replace(config.options, finest=run.config.options.finest)
    return dataclasses.replace(run.config, model=config.model, options=options)


def load_teacher(path: str, run: Run) -> nn.Module:
    """Another run's network as teacher; it must know the same classes and see the same picture."""
    other = Run.open(path)
    if other.classes != run.classes:
        raise DataError(f"--teacher {path}: knows other classes than {run.path}")
    if len({make_task(each.config, each.classes).outputs for each in (other, run)}) > 1:
        raise DataError(f"--teacher {path}: gives other outputs than {run.path}: another task's, or another --finest's")
    if dataclasses.replace(other.pixels, filter=run.pixels.filter) != run.pixels:
        raise DataError(f"--teacher {path}: sees another picture ({other.pixels.width}×{other.pixels.height})")
    return other.model()
