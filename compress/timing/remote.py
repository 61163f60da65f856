"""The gate's timings taken on a device over SSH, by its own `edgelens bench`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from edgelens.devices.remote import engines_for, run_verb
from edgelens.runtime.errors import DeviceError

from ..export.artifact import Artifact
from ..host.scratch import scratch_folder
from .timing import Timing

__all__ = ["time_on"]


def time_on(
    host: str, artifacts: Sequence[Artifact], *, threads: int = 1, say: Callable[[str], None] | None = None
) -> dict[str, Timing]:
    """Every file's timing on `[user@]host`, in one interleaved run there."""
    with scratch_folder() as folder:
        places = {}
        for artifact in artifacts:
            place = folder / Path(artifact.path).name
            place.write_bytes(artifact.data)
            places[str(place)] = artifact
        report = folder / "bench.json"
        if say is not None:
            say(f"timing on {host}")
        names = list(places)
        arguments = [
            *names,
            "--threads",
            str(threads),
            "--pairs",
            "0",
            "--processes",
            "2",
            "--quiet",
            "--json",
            str(report),
        ]
        code = run_verb(host, "bench", arguments, names, outputs=[str(report)], parts=engines_for(names))
        if code or not report.is_file():
            raise DeviceError(f"{host}: `edgelens bench` failed there with code {code}; its words stand above")
        rows = json.loads(report.read_text())["cases"]
    timings = {}
    for row in rows:
        match = next((a for place, a in places.items() if Path(place).name == Path(row["model"]).name), None)
        if match is not None and "steady" in row:
            artifact, times = match, row["steady"]
            timings[artifact.path] = Timing(
                artifact.path, artifact.engine, artifact.precision, times["p50"], times["p95"], (times["p50"],)
            )
    return timings
