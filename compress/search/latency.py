"""How long a candidate's files take: measured here, measured on a device, or predicted for a board that is not here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..artifact import Artifact
from ..gate import time_artifacts
from ..scratch import scratch_folder

__all__ = ["Latency", "latency_for"]

Latency = Callable[[Sequence[Artifact], NDArray[np.uint8]], dict[str, tuple[float, bool]]]  # path → (ms, predicted)


def latency_for(device: str | None, on: str | None, threads: int = 1) -> Latency:
    """The way latencies are found for the given options."""
    if on is not None:
        return lambda artifacts, _: _on(on, artifacts, threads)
    if device is not None and not _is_this(device):
        return lambda artifacts, _: _predicted(device, artifacts, threads)
    return lambda artifacts, picture: {
        path: (timing.p95_ms, False) for path, timing in time_artifacts(artifacts, picture, threads=threads).items()
    }


def _is_this(device: str) -> bool:
    from edgelens.devices.here import this_machine
    from edgelens.devices.profile import load_profile

    load_profile(device)  # an unknown name is an error of its own
    return this_machine().profile == device


def _on(host: str, artifacts: Sequence[Artifact], threads: int) -> dict[str, tuple[float, bool]]:
    from ..gate_remote import time_on

    return {path: (timing.p95_ms, False) for path, timing in time_on(host, artifacts, threads=threads).items()}


def _predicted(device: str, artifacts: Sequence[Artifact], threads: int) -> dict[str, tuple[float, bool]]:
    """The upper end of the interval that `edgelens bench --device` gives."""
    from edgelens.devices.bench.cases import Choice
    from edgelens.devices.predict.predict import predict

    with scratch_folder() as folder:
        places = {folder / artifact.path.rsplit("/", 1)[1]: artifact for artifact in artifacts}
        for place, artifact in places.items():
            place.write_bytes(artifact.data)
        made = predict([str(place) for place in places], device, Choice(threads=(threads,)), folder)
    paths = {place.name: artifact.path for place, artifact in places.items()}
    return {paths[row["model"]]: (float(row["high_ms"]), True) for row in made["cases"]}
