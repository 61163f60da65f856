"""What each layer costs: the answer's error when that layer alone computes in 8 bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import fx

from ..network.answers import torch_logits
from .plan import LAYERS, Plan
from .ranges import Quantized
from .simulate import simulate

__all__ = ["Sensitivity", "layer_sensitivity", "logit_snr"]


@dataclass(frozen=True)
class Sensitivity:
    """One layer alone in 8 bits."""

    layer: str
    snr_db: float  # of the network's answers
    agreement: float  # of the best class


def layer_sensitivity(
    graph: fx.GraphModule,
    quantized: Quantized,
    images: NDArray[np.uint8],
    *,
    progress: Callable[[str], None] | None = None,
) -> tuple[Sensitivity, ...]:
    """Every layer's cost, the most expensive first."""
    reference = torch_logits(graph, images)
    layers = [n.name for n in graph.graph.nodes if n.target in LAYERS and n.name in quantized.plan.integer]
    rows = []
    for i, layer in enumerate(layers):
        if progress is not None:
            progress(f"measuring {layer} ({i + 1}/{len(layers)})")
        values = torch_logits(simulate(graph, _only(quantized, layer)), images)
        rows.append(Sensitivity(layer, logit_snr(values, reference), _agreement(values, reference)))
    return tuple(sorted(rows, key=lambda row: row.snr_db))


def logit_snr(values: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Decibels by which answers stand above their error."""
    error = float(np.square(values - reference, dtype=np.float64).sum())
    return min(
        10 * float(np.log10(max(float(np.square(reference, dtype=np.float64).sum()), 1e-30) / max(error, 1e-30))), 200.0
    )


def _agreement(values: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    return float((values.argmax(1) == reference.argmax(1)).mean())


def _only(quantized: Quantized, layer: str) -> Quantized:
    """The same ranges with one layer in 8 bits and everything else float."""
    plan = quantized.plan
    activation = plan.fused.get(layer)
    names = frozenset({layer} | ({activation} if activation else set()))
    points = tuple(name for name in plan.points if name in names and name not in plan.fused)
    alone: Plan = dataclasses.replace(plan, integer=names, points=points)
    return Quantized(alone, quantized.ranges)
