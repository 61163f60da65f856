"""Quantization-aware training: the folded network and its ranges learn under fake quantization from the float one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from torch import fx, nn

from edgelens.train.optimize.precision import plain_mode

from ..learn.finetune import FineTune, finetune
from ..learn.lesson import Lesson
from .ranges import Quantized
from .simulate import learned_ranges, simulate, trained_graph

__all__ = ["QatConfig", "train_quantized"]


@dataclass(frozen=True)
class QatConfig:
    """How the 8-bit network is trained."""

    tuning: FineTune = field(default_factory=lambda: FineTune(epochs=3, rate=2e-4, weight_decay=0.0))
    learn_ranges: bool = True


def train_quantized(
    graph: fx.GraphModule,
    quantized: Quantized,
    teacher: nn.Module,
    lesson: Lesson,
    config: QatConfig,
    *,
    progress: Callable[[str], None] | None = None,
    better: Callable[[fx.GraphModule], float] | None = None,
) -> tuple[fx.GraphModule, Quantized]:
    """The clean graph with trained weights, and the ranges to write with it; as it was where training made it worse."""
    sim = simulate(graph, quantized, learn=config.learn_ranges)
    tuning = replace(config.tuning, precision=plain_mode(sim))  # bfloat16 would round before 8 bits do
    before = better(sim) if better is not None else -np.inf
    finetune(sim, teacher.eval(), lesson, tuning, progress=progress)
    if better is not None and better(sim) < before:
        return graph, quantized
    return trained_graph(graph, sim), learned_ranges(sim, quantized)
