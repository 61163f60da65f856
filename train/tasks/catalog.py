"""The tasks by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:  # the names alone are read by `--help`, which loads no torch
    from torch import nn

    from edgelens.runtime.preprocess import PixelContract

    from ..config import TrainConfig
    from ..task import Task

__all__ = ["OPTIONS", "TASKS", "UNREAD", "Builder", "make_network", "make_task"]

# (config, classes, training images a class) → the task; data is opened and heads are made before the last two are known
Builder: TypeAlias = "Callable[[TrainConfig, Sequence[str], Sequence[int]], Task]"


def _classify() -> Builder:
    from .classify.task import classify

    return classify


def _detect() -> Builder:
    from .detect.task import detect

    return detect


def _identify() -> Builder:
    from .identify.task import identify

    return identify


def _read() -> Builder:
    from .read.task import read

    return read


TASKS: dict[str, Callable[[], Builder]] = {
    "classify": _classify,
    "detect": _detect,
    "identify": _identify,
    "read": _read,
}

OPTIONS: dict[str, tuple[str, ...]] = {  # a training's, that one task alone reads
    "classify": ("loss", "focal_gamma", "label_smoothing", "imbalance", "keep", "false_accepts"),
    "detect": ("finest", "neck"),
    "read": ("alphabet", "written", "spliced", "texts", "plates"),
}

UNREAD: dict[str, tuple[str, ...]] = {  # what all tasks read but this one
    "read": ("mirror",),  # mirrored, a text is no text
}


def make_task(config: TrainConfig, classes: Sequence[str] = (), counts: Sequence[int] = ()) -> Task:
    """The task that a configuration asks for, with its loss, weights and augmentation."""
    if config.task not in TASKS:
        raise UsageError(f"--task {config.task}: must be one of {', '.join(TASKS)}")
    return TASKS[config.task]()(config, tuple(classes), tuple(counts))


def make_network(config: TrainConfig, classes: Sequence[str], pixels: PixelContract) -> nn.Module:
    """The network of a configuration with random weights, and its task's head on it."""
    from ..models.catalog import build

    def sized(outputs: int) -> nn.Module:
        size = (pixels.height, pixels.width)
        return build(config.model, config.options, channels=pixels.channels, classes=outputs, size=size)

    return make_task(config, classes).head(sized, tuple(classes))
