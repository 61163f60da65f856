"""The gate's timings taken on a device over SSH, by its own `edgelens bench`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelens.devices.remote import engines_for, run_verb
from edgelens.runtime.errors import DeviceError

from ..export.artifact import Artifact
from ..host.scratch import scratch_folder
from .timing import Timing

__all__ = ["TimedThere", "time_on"]


@dataclass(frozen=True)
class TimedThere:
    """What a device took for files, by path, and why it gave no time for the others."""

    timings: Mapping[str, Timing]
    untimed: Mapping[str, str]


def time_on(
    host: str, artifacts: Sequence[Artifact], *, threads: int = 1, say: Callable[[str], None] | None = None
) -> TimedThere:
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
        if not report.is_file():
            raise DeviceError(f"{host}: `edgelens bench` failed there with code {code}; its words stand above")
        rows = {Path(row["model"]).name: row for row in json.loads(report.read_text())["cases"]}
    return _told(artifacts, rows)


def _told(artifacts: Sequence[Artifact], rows: Mapping[str, Mapping[str, Any]]) -> TimedThere:
    """A report's rows, by the files that they are of."""
    timings, untimed = dict[str, Timing](), dict[str, str]()
    for artifact in artifacts:
        row = rows.get(Path(artifact.path).name, {})
        if times := row.get("steady"):
            timings[artifact.path] = Timing(
                artifact.path, artifact.engine, artifact.precision, times["p50"], times["p95"], (times["p50"],)
            )
        else:
            untimed[artifact.path] = row.get("error", "its report does not name the file")
    return TimedThere(timings, untimed)
