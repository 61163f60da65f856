"""How long a candidate's files take: measured here, measured on a device, or predicted for a board that is not here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import UsageError

from ..artifact import Artifact
from ..gate import time_artifacts

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
    """The upper end of the cost model's interval; files of an engine without a calibration are left out."""
    from edgelens.devices.predict.calibrate import load_calibration, saved_calibration
    from edgelens.devices.predict.operators import operators_of

    models = load_calibration(saved_calibration(device))
    found = {}
    for artifact in artifacts:
        model = models.get(f"{artifact.engine}/{artifact.precision}/{threads}")
        if model is None:
            continue
        name = artifact.path.rsplit("/", 1)[1]
        found[artifact.path] = (model.network_ms(operators_of(artifact.data, name, artifact.engine)) * model.high, True)
    if not found:
        raise UsageError(f"--device {device}: its calibration knows none of these files' engines on {threads} threads")
    return found
