"""What the activations of a network look like on real images, and the ranges that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from ..network.prepared import prepared_batches
from ..network.recorder import Recorder

__all__ = ["OBSERVERS", "Histogram", "Observer", "Ranges", "observe", "observe_by"]

Method = Literal["minmax", "percentile", "mse"]
BINS = 2048
Ranges = dict[str, tuple[float, float]]  # lowest and highest by tensor


@dataclass(frozen=True)
class Observer:
    """How a range is chosen from what was seen."""

    method: Method = "minmax"
    percentile: float = 99.99  # of the values, kept inside the range from each side


@dataclass
class Histogram:
    """The values a tensor took: how many in each of equal bins from low to high."""

    low: float
    high: float
    counts: NDArray[np.float64]

    @classmethod
    def over(cls, low: float, high: float) -> Histogram:
        """An empty one; where there was one value only, its bins are as narrow as float64 tells them apart."""
        return cls(low, max(high, low + max(1e-9, 1e-9 * abs(low))), np.zeros(BINS))

    @property
    def edges(self) -> NDArray[np.float64]:
        """Borders of the bins."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)


def observe(graph: fx.GraphModule, images: NDArray[np.uint8], observer: Observer | None = None) -> Ranges:
    """The range of every float tensor over calibration pictures (N, H, W, C)."""
    return observe_by(graph, images, (observer or Observer(),))[0]


@torch.no_grad()
def observe_by(
    graph: fx.GraphModule,
    images: NDArray[np.uint8],
    observers: Sequence[Observer],
    limits: Ranges | None = None,
) -> list[Ranges]:
    """The same as several observers see it; the pictures go through the graph twice, however many there are.

    `limits` are what `observe` found on the same pictures, where that is known.
    """
    limits = limits or _limits(graph, images)
    plain = all(observer.method == "minmax" for observer in observers)
    histograms = {} if plain else _histograms(graph, images, limits)
    return [
        limits
        if observer.method == "minmax"
        else {name: OBSERVERS[observer.method](histogram, observer) for name, histogram in histograms.items()}
        for observer in observers
    ]


def _limits(graph: fx.GraphModule, images: NDArray[np.uint8]) -> Ranges:
    limits: Ranges = {}

    def widen(name: str, value: torch.Tensor) -> None:
        low, high = (float(v) for v in torch.aminmax(_as_it_lies(value)))
        before = limits.get(name, (low, high))
        limits[name] = (min(low, before[0]), max(high, before[1]))

    for batch in prepared_batches(images):
        Recorder(graph, widen).run(batch)
    return limits


def _as_it_lies(value: torch.Tensor) -> torch.Tensor:
    """The same numbers in the order of memory, which are gone through three times as fast."""
    return value.permute(0, 2, 3, 1) if value.ndim == 4 and not value.is_contiguous() else value


def _histograms(
    graph: fx.GraphModule, images: NDArray[np.uint8], limits: Mapping[str, tuple[float, float]]
) -> dict[str, Histogram]:
    histograms = {name: Histogram.over(low, high) for name, (low, high) in limits.items()}

    def count(name: str, value: torch.Tensor) -> None:
        histogram = histograms[name]
        counts = torch.histc(_as_it_lies(value).float(), BINS, histogram.low, histogram.high)
        histogram.counts += counts.double().numpy()

    for batch in prepared_batches(images):
        Recorder(graph, count).run(batch)
    return histograms


def _minmax(histogram: Histogram, observer: Observer) -> tuple[float, float]:  # noqa: ARG001
    return histogram.low, histogram.high


def _percentile(histogram: Histogram, observer: Observer) -> tuple[float, float]:
    """The range that all but the outermost values lie in; exact zeros (behind a ReLU) do not count."""
    counts = histogram.counts.copy()
    edges = histogram.edges
    zero = int(np.clip(np.searchsorted(edges, 0.0, side="right") - 1, 0, len(counts) - 1))
    if edges[0] <= 0 <= edges[-1]:
        counts[zero] = min(counts[zero], np.median(counts))
    share = np.cumsum(counts) / max(counts.sum(), 1)
    outside = (100 - observer.percentile) / 100
    low = edges[int(np.searchsorted(share, outside))] if edges[0] < 0 else edges[0]
    high = edges[min(int(np.searchsorted(share, 1 - outside)) + 1, len(edges) - 1)]
    return float(low), float(high)


def _mse(histogram: Histogram, observer: Observer) -> tuple[float, float]:  # noqa: ARG001
    """The range with the least squared error of quantizing and clipping, each end shrunk by itself."""
    centres = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    for _ in range(2):
        high = min(_shrunk(high), key=lambda end: _error(histogram.counts, centres, low, end))
        low = min(_shrunk(low), key=lambda end: _error(histogram.counts, centres, end, high))
    return low, high


def _shrunk(end: float) -> list[float]:
    return [end * share for share in np.linspace(1.0, 0.2, 65)] if end else [0.0]


def _error(counts: NDArray[np.float64], centres: NDArray[np.float64], low: float, high: float) -> float:
    scale = max(high - low, 1e-9) / 255
    clipped = np.clip(centres, low, high)
    steps = np.abs(clipped - centres) ** 2 + np.where(clipped == centres, scale**2 / 12, 0.0)
    return float((counts * steps).sum())


OBSERVERS: dict[str, Callable[[Histogram, Observer], tuple[float, float]]] = {
    "minmax": _minmax,
    "percentile": _percentile,
    "mse": _mse,
}
