"""A task: everything of a training that depends on what the network is to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .augment import Recipe

__all__ = ["Calibration", "Draw", "Task"]


@dataclass(frozen=True)
class Draw:
    """What decides a batch's random draws: samples (B,) are the pictures' numbers in the data set."""

    seed: int
    epoch: int
    samples: Tensor


@dataclass(frozen=True)
class Calibration:
    """What makes scores mean something on the device."""

    temperature: float = 1.0
    unknown_threshold: float = 0.0
    said: str = ""  # one line for people


@dataclass(frozen=True)
class Task:
    """What the loop and the run's end ask of a task."""

    name: str
    # (recipe, pixels (B, C, H, W) uint8, targets, draw) → inputs in [-1, 1) and what the targets became
    augment: Callable[[Recipe, Tensor, Tensor, Draw], tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]  # (outputs, augmented targets) → (B,)
    metrics: Callable[[Tensor, Tensor], dict[str, float]]  # (outputs, plain targets) of a split, every epoch
    score: str  # the metric by which checkpoints are compared; larger is better
    calibrate: Callable[[Tensor, Tensor, float], Calibration]  # (outputs, plain targets, false accepts allowed)
    summary: Callable[[Tensor, Tensor, Calibration], dict[str, Any]]  # every metric, once at the end
    report: str  # the report's part for this task
