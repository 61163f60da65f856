"""How long a candidate's files take: measured here, measured on a device, or predicted for a board that is not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..export.artifact import Artifact
from ..timing.on_device import is_this_machine, predicted_on
from ..timing.timing import Timing, time_artifacts

__all__ = ["Found", "Latencies", "Latency", "latency_for"]


@dataclass(frozen=True)
class Found:
    """What a budget judges one file by."""

    ms: float  # p95 where measured, the upper end of the 80 % interval where predicted
    predicted_ms: float | None = None  # the estimate itself; None where it was measured


@dataclass(frozen=True)
class Latencies:
    """What was found of files, by path, and why nothing was found of the others."""

    found: Mapping[str, Found]
    untimed: Mapping[str, str] = field(default_factory=dict)


Latency = Callable[[Sequence[Artifact], NDArray[np.uint8]], Latencies]


def latency_for(device: str | None, on: str | None, threads: int = 1) -> Latency:
    """The way latencies are found for the given options."""
    if on is not None:
        return lambda artifacts, _: _on(on, artifacts, threads)
    if device is not None and not is_this_machine(device):
        return lambda artifacts, _: _predicted(device, artifacts, threads)
    return lambda artifacts, picture: Latencies(_measured(time_artifacts(artifacts, picture, threads=threads)))


def _on(host: str, artifacts: Sequence[Artifact], threads: int) -> Latencies:
    from ..timing.remote import time_on

    there = time_on(host, artifacts, threads=threads)
    untimed = {path: f"has no time of {host} ({why})" for path, why in there.untimed.items()}
    return Latencies(_measured(there.timings), untimed)


def _measured(timings: Mapping[str, Timing]) -> dict[str, Found]:
    return {path: Found(timing.p95_ms) for path, timing in timings.items()}


def _predicted(device: str, artifacts: Sequence[Artifact], threads: int) -> Latencies:
    predicted = predicted_on(device, artifacts, threads)
    return Latencies({path: Found(timing.p95_ms, timing.p50_ms) for path, timing in predicted.items()})
