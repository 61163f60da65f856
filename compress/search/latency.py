"""How long a candidate's files take: measured here, measured on a device, or predicted for a board that is not here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..export.artifact import Artifact
from ..timing.on_device import is_this_machine, predicted_on
from ..timing.timing import time_artifacts

__all__ = ["Found", "Latency", "latency_for"]


@dataclass(frozen=True)
class Found:
    """What a budget judges one file by."""

    ms: float  # p95 where measured, the upper end of the 80 % interval where predicted
    predicted_ms: float | None = None  # the estimate itself; None where it was measured


Latency = Callable[[Sequence[Artifact], NDArray[np.uint8]], dict[str, Found]]


def latency_for(device: str | None, on: str | None, threads: int = 1) -> Latency:
    """The way latencies are found for the given options."""
    if on is not None:
        return lambda artifacts, _: _on(on, artifacts, threads)
    if device is not None and not is_this_machine(device):
        return lambda artifacts, _: _predicted(device, artifacts, threads)
    return lambda artifacts, picture: {
        path: Found(timing.p95_ms) for path, timing in time_artifacts(artifacts, picture, threads=threads).items()
    }


def _on(host: str, artifacts: Sequence[Artifact], threads: int) -> dict[str, Found]:
    from ..timing.remote import time_on

    return {path: Found(timing.p95_ms) for path, timing in time_on(host, artifacts, threads=threads).items()}


def _predicted(device: str, artifacts: Sequence[Artifact], threads: int) -> dict[str, Found]:
    return {path: Found(t.p95_ms, t.p50_ms) for path, t in predicted_on(device, artifacts, threads).items()}
