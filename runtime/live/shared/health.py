"""How a run is, for people and programs that ask: the one answer of `/v1/health`, the socket and the metrics.

Imports nothing of the web: a run without a page is asked as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from edgelens.version import __version__

from ...loop.control import LoopStatus, ModelStatus, SourceStatus
from ...loop.summary import process_age_s
from .machine import Machine, MachineFacts

__all__ = ["health_json", "model_json", "status_json"]

SCARCE_BYTES = 100 * 1024 * 1024  # a disk with less room is a problem that one wants to hear of


def health_json(
    status: LoopStatus | None, machine: Machine, service: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer: `status` is "ok", or "degraded" where `problems` says in words what is wrong."""
    facts = machine.facts()
    problems = [*(_problems(status) if status is not None else ()), *_scarce(facts)]
    return {
        "status": "degraded" if problems else "ok",
        "problems": problems,
        "kit": __version__,
        "up_s": round(process_age_s(), 1),  # by no clock that is set while it runs, as `started` is
        "device": machine.device,
        "loop": None if status is None else {**status_json(status), "sources": [_told(s) for s in status.sources]},
        "disks": [dataclasses.asdict(disk) for disk in facts.disks],
        "slots": [dataclasses.asdict(slot) for slot in facts.slots],
        **({} if service is None else {"service": dict(service)}),
    }


def status_json(status: LoopStatus) -> dict[str, Any]:
    """A status as plain JSON types; without the counts of labels, which grow."""
    return {
        **model_json(status.model),
        "started": round(status.started, 3),
        "sources": [_source_json(source) for source in status.sources],
        "board": dataclasses.asdict(status.board),
        "sinks": [dataclasses.asdict(sink) for sink in status.sinks],
        "dropped": {sink.name: sink.dropped for sink in status.sinks},
        "slowed_to_fps": status.slowed_to_fps,
    }


def model_json(model: ModelStatus) -> dict[str, Any]:
    """A model as plain JSON types; `model` is the name it was asked for by."""
    return {
        "model": model.name,
        "engine": model.engine,
        "precision": model.precision,
        "bundle": {"name": model.bundle, "version": model.version, "sha256": model.sha256},
    }


def _source_json(source: SourceStatus) -> dict[str, Any]:
    apart = {"model", "seen", "announced", "stages_ms"}
    plain = {f.name: getattr(source, f.name) for f in dataclasses.fields(source) if f.name not in apart}
    return {
        **plain,
        "age_ms": round(source.age_ms, 3),
        "seconds_since_frame": round(source.seconds_since_frame, 3),
        "stages_ms": dict(source.stages_ms),
        **model_json(source.model),
    }


def _told(source: SourceStatus) -> dict[str, Any]:
    counts = {"seen": dict(source.seen), "announced": dict(source.announced)}
    return {**_source_json(source), "labels": counts}


def _problems(status: LoopStatus) -> list[str]:
    away = [source for source in status.sources if source.state == "away"]
    return [
        *(": ".join(filter(None, (s.name, f"away for {s.seconds_since_frame:.0f} s", s.problem))) for s in away),
        *(f"{sink.name}: {sink.error}" for sink in status.sinks if sink.error),
    ]


def _scarce(facts: MachineFacts) -> list[str]:
    return [
        f"{disk.path}: {disk.free_bytes / 1e6:.0f} MB left on this disk"
        for disk in facts.disks
        if disk.free_bytes < SCARCE_BYTES
    ]
