"""The numbers of a running loop or service in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edgelens.version import __version__

from ...host.utf8 import escaped
from ...loop.control import LoopStatus, ModelStatus, SourceStatus
from .machine import MachineFacts, SlotFacts
from .shared_state import SharedState

__all__ = ["Family", "metrics_text", "render"]

# name, type, help, samples: labels and value; the label "" is a suffix of the name, as histograms have
Family = tuple[str, str, str, Iterable[tuple[Mapping[str, str], float]]]


def metrics_text(shared: SharedState, more: Iterable[Family] = ()) -> str:
    """Everything there is to count, one family after the other."""
    status, facts = shared.control.status(), shared.machine.facts()
    kit: Family = ("edgelens_kit_info", "gauge", "The kit and the device.", [(_kit(shared.machine.device), 1)])
    families: list[Family] = [kit, *(_loop(status) if status is not None else ())]
    families += [
        *_machine(facts),
        ("edgelens_viewers", "gauge", "Open live pictures.", [({}, shared.hub.viewers)]),
        ("edgelens_frames_encoded_total", "counter", "Frames encoded for viewers.", [({}, shared.encoder.encoded)]),
        *more,
    ]
    return render(families)


def render(families: Iterable[Family]) -> str:
    """Families as text, version 0.0.4."""
    lines: list[str] = []
    for name, kind, text, samples in families:
        rows = list(samples)
        if rows:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            lines += [_sample(name, labels, value) for labels, value in rows]
    return "\n".join(lines) + "\n"


def _loop(status: LoopStatus) -> Iterable[Family]:
    sources = [({"source": source.name}, source) for source in status.sources]
    yield "edgelens_info", "gauge", "What is running.", [(_model(status.model), 1)]
    models = [({**labels, **_model(s.model)}, 1) for labels, s in sources]
    yield "edgelens_source_info", "gauge", "What runs on each source.", models
    yield "edgelens_start_time_seconds", "gauge", "When it started, Unix time.", [({}, status.started)]
    for name, text in (
        ("frames_captured", "Frames captured."),
        ("frames_processed", "Frames recognized."),
        ("frames_skipped", "Frames passed over because a newer one was there."),
        ("recoveries", "Times a lost source came back."),
    ):
        rows = [(labels, getattr(source, name.removeprefix("frames_"))) for labels, source in sources]
        yield f"edgelens_{name}_total", "counter", text, rows
    yield "edgelens_connected", "gauge", "Whether frames arrive.", [(labels, s.connected) for labels, s in sources]
    yield "edgelens_fps", "gauge", "Frames recognized a second.", [(labels, s.fps) for labels, s in sources]
    ages = [(labels, s.age_ms / 1e3) for labels, s in sources]
    yield "edgelens_age_seconds", "gauge", "Capture to result; while a source is away, since its last frame.", ages
    silent = [(labels, s.seconds_since_frame) for labels, s in sources]
    yield "edgelens_seconds_since_frame", "gauge", "Since a frame came; before the first, since the start.", silent
    away = [(labels, s.state == "away") for labels, s in sources]
    yield "edgelens_away", "gauge", "Whether a source is lost or was never there.", away
    seen = [({**labels, "label": label}, count) for labels, s in sources for label, count in s.seen.items()]
    yield "edgelens_label_frames_total", "counter", "Frames in which a label was seen.", seen
    said = [({**labels, "label": label}, count) for labels, s in sources for label, count in s.announced.items()]
    yield "edgelens_announced_total", "counter", "How often a label was announced.", said
    stages = [({**labels, "stage": stage}, ms / 1e3) for labels, s in sources for stage, ms in s.stages_ms.items()]
    yield "edgelens_stage_seconds", "gauge", "Time of each stage.", stages
    sinks = [({"sink": sink.name}, sink) for sink in status.sinks]
    drops = [(labels, sink.dropped) for labels, sink in sinks]
    yield "edgelens_results_dropped_total", "counter", "Results a sink was too slow for.", drops
    waiting = [(labels, sink.waiting) for labels, sink in sinks if sink.waiting is not None]
    yield "edgelens_outbox_messages", "gauge", "Messages that wait to be taken.", waiting
    lost = [(labels, sink.lost) for labels, sink in sinks]
    yield "edgelens_sink_lost_total", "counter", "What a sink could not keep: results, clips, messages.", lost
    yield "edgelens_sink_ok", "gauge", "Whether a sink keeps what it gets.", [(la, not s.error) for la, s in sinks]
    yield from _places(sources)
    yield from _board(status)


def _places(sources: Sequence[tuple[Mapping[str, str], SourceStatus]]) -> Iterable[Family]:
    """What was counted over lines and in zones."""
    lines = [({**la, "line": name}, line) for la, s in sources for name, line in s.watched.get("lines", {}).items()]
    crossed = [
        ({**labels, "direction": way, "label": label}, count)
        for labels, line in lines
        for way in ("in", "out")
        for label, count in line[way].items()
    ]
    yield "edgelens_line_crossings_total", "counter", "What crossed a line.", crossed
    zones = [({**la, "zone": name}, zone) for la, s in sources for name, zone in s.watched.get("zones", {}).items()]
    inside = [({**labels, "label": ""}, sum(zone["occupancy"].values())) for labels, zone in zones]
    inside += [({**la, "label": label}, n) for la, zone in zones for label, n in zone["occupancy"].items()]
    yield "edgelens_zone_occupancy", "gauge", "What is in a zone; without a label everything.", inside
    for name, key, text in (
        ("edgelens_zone_entries_total", "entries", "What came into a zone."),
        ("edgelens_zone_dwell_seconds_total", "dwell_s", "How long it stayed, of what has left."),
    ):
        yield (
            name,
            "counter",
            text,
            [({**la, "label": label}, n) for la, zone in zones for label, n in zone[key].items()],
        )
    yield "edgelens_zone_loitering", "gauge", "What stays too long.", [(la, zone["loitering"]) for la, zone in zones]


def _machine(facts: MachineFacts) -> Iterable[Family]:
    free = [({"path": disk.path}, disk.free_bytes) for disk in facts.disks]
    yield "edgelens_disk_free_bytes", "gauge", "Room on the disks that are written to.", free
    slots = [(_slot(slot), slot.current) for slot in facts.slots]
    yield "edgelens_slot_info", "gauge", "What was deployed; 1 is the current slot.", slots


def _kit(device: str) -> dict[str, str]:
    return {"kit": __version__, "device": device}


def _model(model: ModelStatus) -> dict[str, str]:
    how = {"model": model.name, "engine": model.engine, "precision": model.precision}
    return {**how, "bundle": model.bundle, "version": str(model.version), "sha256": model.sha256}


def _slot(slot: SlotFacts) -> dict[str, str]:
    return {"slot": slot.slot, "bundle": slot.bundle, "version": str(slot.version), "sha256": slot.sha256}


def _board(status: LoopStatus) -> Iterable[Family]:
    board = status.board
    for name, value, text in (
        ("edgelens_temperature_celsius", board.temperature_c, "The board's temperature."),
        ("edgelens_clock_hertz", None if board.clock_mhz is None else board.clock_mhz * 1e6, "The processor's clock."),
        ("edgelens_throttled", board.throttled, "Whether the board throttles."),
        ("edgelens_power_watts", board.power_w, "What the board takes."),
        ("edgelens_slowed_to_fps", status.slowed_to_fps, "The rate that heat allows."),
    ):
        if value is not None:
            yield name, "gauge", text, [({}, float(value))]


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items() if key)
    return f"{name}{labels.get('', '')}{f'{{{inside}}}' if inside else ''} {float(value):.10g}"


def _escaped(text: str) -> str:
    return escaped(text).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
