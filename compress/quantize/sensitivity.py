"""What each layer costs: the answer's error when that layer alone computes in 8 bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import fx

from edgelens.runtime.metrics.signal import snr_db
from edgelens.train.task import Arrays

from ..network.answers import torch_outputs
from ..network.tail import LAYERS
from .plan import Plan
from .ranges import Quantized
from .simulate import simulate

__all__ = ["Agreement", "Sensitivity", "answers_snr", "layer_sensitivity"]

Agreement = Callable[[Arrays, Arrays], float]  # the share on which two networks say the same


@dataclass(frozen=True)
class Sensitivity:
    """One layer alone in 8 bits."""

    layer: str
    snr_db: float  # of the network's answers
    agreement: float  # as the task counts it


def layer_sensitivity(
    graph: fx.GraphModule,
    quantized: Quantized,
    images: NDArray[np.uint8],
    agreement: Agreement,
    *,
    outputs: tuple[str, ...],
    progress: Callable[[str], None] | None = None,
) -> tuple[Sensitivity, ...]:
    """Every layer's cost, the most expensive first."""
    reference = torch_outputs(graph, images, outputs)
    layers = [n.name for n in graph.graph.nodes if n.target in LAYERS and n.name in quantized.plan.integer]
    rows = []
    for i, layer in enumerate(layers):
        if progress is not None:
            progress(f"measuring {layer} ({i + 1}/{len(layers)})")
        values = torch_outputs(simulate(graph, _only(quantized, layer)), images, outputs)
        rows.append(Sensitivity(layer, answers_snr(reference, values), agreement(reference, values)))
    return tuple(sorted(rows, key=lambda row: row.snr_db))


def answers_snr(reference: Arrays, values: Arrays) -> float:
    """Decibels by which the worst output stands above its error; 200 where none has any, so that sums stay finite."""
    return min(*(snr_db(reference[name], values[name]) for name in reference), 200.0)


def _only(quantized: Quantized, layer: str) -> Quantized:
    """The same ranges with one layer in 8 bits and everything else float."""
    plan = quantized.plan
    activation = plan.fused.get(layer)
    names = frozenset({layer} | ({activation} if activation else set()))
    points = tuple(name for name in plan.points if name in names and name not in plan.fused)
    alone: Plan = dataclasses.replace(plan, integer=names, points=points)
    return Quantized(alone, quantized.ranges)
