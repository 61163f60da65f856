"""The gate's timings on the device that decides: taken over SSH, or predicted for a board that is not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgelens.runtime.errors import DeviceError

from ..config import CompressConfig
from ..export.artifact import Artifact
from ..host.scratch import scratch_folder
from .timing import Timing

__all__ = ["Elsewhere", "is_this_machine", "predicted_on", "require_host", "timed_elsewhere"]


@dataclass(frozen=True)
class Elsewhere:
    """What files take on another device, and its name; empty where this machine decides."""

    timings: Mapping[str, Timing]
    where: str
    notes: tuple[str, ...] = ()  # of the files that it gave no time for


def require_host(host: str | None) -> None:
    """Say hello to the device that is to time the files: one that cannot be reached is noticed before the work."""
    if host is not None:
        from edgelens.devices.ssh.connection import Connection

        with Connection(host):
            pass


def timed_elsewhere(config: CompressConfig, artifacts: Sequence[Artifact], say: Callable[[str], None]) -> Elsewhere:
    """Every file's timing on the device that was asked for, if one was."""
    if config.on is not None:
        return _timed_on(config.on, artifacts, config.threads, say)
    if config.device is not None and not is_this_machine(config.device):
        return Elsewhere(predicted_on(config.device, artifacts, config.threads), f"{config.device} (predicted)")
    return Elsewhere({}, "")


def _timed_on(host: str, artifacts: Sequence[Artifact], threads: int, say: Callable[[str], None]) -> Elsewhere:
    """What a host took; where it gives no time at all this machine's decide: what was trained is not lost for it."""
    from .remote import time_on

    try:
        there = time_on(host, artifacts, threads=threads, say=say)
    except DeviceError as error:
        return Elsewhere({}, "", (f"no times of {host}, those taken here decide ({error})",))
    if not there.timings:
        why = next(iter(there.untimed.values()))
        return Elsewhere({}, "", (f"no times of {host}, those taken here decide ({why})",))
    titles = {artifact.path: artifact.title for artifact in artifacts}
    notes = tuple(f"{titles[path]} has no time of {host} ({why}): not preferred" for path, why in there.untimed.items())
    return Elsewhere(there.timings, host, notes)


def is_this_machine(device: str) -> bool:
    """Whether a profile is the one of the machine that this runs on; an unknown name is an error of its own."""
    from edgelens.devices.here import this_machine
    from edgelens.devices.profile import load_profile

    load_profile(device)
    return this_machine().profile == device


def predicted_on(device: str, artifacts: Sequence[Artifact], threads: int = 1) -> dict[str, Timing]:
    """What `edgelens bench --predict` says; the upper end of its interval stands where a measured p95 would."""
    from edgelens.devices.bench.cases import Selection
    from edgelens.devices.predict.predict import predict

    with scratch_folder() as folder:
        places = {folder / artifact.path.rsplit("/", 1)[1]: artifact for artifact in artifacts}
        for place, artifact in places.items():
            place.write_bytes(artifact.data)
        made = predict([str(place) for place in places], device, Selection(threads=(threads,)), folder)
    named = {place.name: artifact for place, artifact in places.items()}
    timings = {}
    for row in made["cases"]:
        artifact, ms = named[row["model"]], float(row["ms"])
        timings[artifact.path] = Timing(
            artifact.path, artifact.engine, artifact.precision, ms, float(row["high_ms"]), (ms,)
        )
    return timings
