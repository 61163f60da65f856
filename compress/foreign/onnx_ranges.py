"""Ranges of every tensor of an ONNX model over real inputs, by the same observers as for networks of the kit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..export.match import every_value_session
from ..quantize.observers import BINS, OBSERVERS, Histogram, Observer

__all__ = ["Probe", "observe_onnx"]

_VALUES = 16_384
_MOST = 1e30  # what is larger, or infinite, stands for nothing at all: the edge of a maximum, a place that is masked


class Probe:
    """A model with every float value among its outputs, loaded once."""

    def __init__(self, model: Any) -> None:
        self._session = every_value_session(model)
        self.input = self._session.get_inputs()[0].name
        self.floats = tuple(v.name for v in self._session.get_outputs() if v.type == "tensor(float)")

    def values(self, tensor: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Every float value for one input, the input itself among them."""
        values = dict(zip(self.floats, self._session.run(self.floats, {self.input: tensor}), strict=True))
        return {self.input: tensor, **values}


def _thinned(value: NDArray[np.float32]) -> NDArray[np.float64]:
    """At most some thousands of a tensor's values, evenly taken: a histogram needs no more of one picture."""
    flat = _counting(value)
    return flat[:: max(flat.size // _VALUES, 1)].astype(np.float64)  # numpy's bins are as fine as what it is given


def _counting(value: NDArray[Any]) -> NDArray[Any]:
    """The numbers of a tensor (N,) that its range is to hold."""
    flat = value.reshape(-1).astype(np.float32, copy=False)
    counts = np.abs(flat) < _MOST  # not a number is not less
    return flat if counts.all() else flat[counts]


def observe_onnx(
    probe: Probe,
    inputs: Callable[[], Sequence[NDArray[Any]] | Any],
    observers: Sequence[Observer],
) -> dict[Observer, dict[str, tuple[float, float]]]:
    """Each observer's ranges, from two passes over the inputs for all of them."""
    limits: dict[str, tuple[float, float]] = {}
    for tensor in inputs():
        for name, value in probe.values(tensor).items():
            if (counting := _counting(value)).size:
                low, high = float(counting.min()), float(counting.max())
                before = limits.get(name, (low, high))
                limits[name] = (min(low, before[0]), max(high, before[1]))
    histograms = {name: Histogram.over(low, high) for name, (low, high) in limits.items()}
    for tensor in inputs():
        for name, value in probe.values(tensor).items():
            if name in histograms:
                h = histograms[name]
                h.counts += np.histogram(_thinned(value), BINS, (h.low, h.high))[0]
    return {
        observer: {name: OBSERVERS[observer.method](histogram, observer) for name, histogram in histograms.items()}
        for observer in observers
    }
