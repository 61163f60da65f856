"""How long a candidate's files take: measured here, measured on a device, or predicted for a board that is not here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..export.artifact import Artifact
from ..timing.on_device import is_this_machine, predicted_on
from ..timing.timing import time_artifacts

__all__ = ["Latency", "latency_for"]

Latency = Callable[[Sequence[Artifact], NDArray[np.uint8]], dict[str, tuple[float, bool]]]  # path → (ms, predicted)


def latency_for(device: str | None, on: str | None, threads: int = 1) -> Latency:
    """The way latencies are found for the given options."""
    if on is not None:
        return lambda artifacts, _: _on(on, artifacts, threads)
    if device is not None and not is_this_machine(device):
        return lambda artifacts, _: _predicted(device, artifacts, threads)
    return lambda artifacts, picture: {
        path: (timing.p95_ms, False) for path, timing in time_artifacts(artifacts, picture, threads=threads).items()
    }


def _on(host: str, artifacts: Sequence[Artifact], threads: int) -> dict[str, tuple[float, bool]]:
    from ..timing.remote import time_on

    return {path: (timing.p95_ms, False) for path, timing in time_on(host, artifacts, threads=threads).items()}


def _predicted(device: str, artifacts: Sequence[Artifact], threads: int) -> dict[str, tuple[float, bool]]:
    return {path: (timing.p95_ms, True) for path, timing in predicted_on(device, artifacts, threads).items()}
