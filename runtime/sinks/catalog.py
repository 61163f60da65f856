"""Sinks by what the command line asks for; each is imported only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..preprocess import Region
from .protocol import Sink

__all__ = ["SINKS", "SinkOptions", "open_sinks"]


@dataclass(frozen=True)
class SinkOptions:
    """What sinks other than the page need to know; the paths are what the options of the same names say."""

    json: str | None = None
    csv: str | None = None
    save: str | None = None
    mqtt: str | None = None
    record: str | None = None
    mqtt_all: bool = False  # every result, not only announcements
    record_mb: float = 1000.0
    record_days: float = 30.0
    keep_uncertain: str | None = None
    blur: bool = False  # of uncertain pictures, outside the recognized area
    threshold: Callable[[str], float | None] = lambda source: None  # noqa: ARG005 (a source's, as it is now)
    region: Callable[[str], Region | None] = lambda source: None  # noqa: ARG005
    window: bool = False
    text: bool = True
    fps: Callable[[str], float | None] = lambda source: None  # noqa: ARG005 (a source's, once open and where known)
    sources: tuple[str, ...] = ()
    device: str = ""  # the stable id that results carry
    closed: Callable[[], None] = lambda: None  # the window was closed


def _json(options: SinkOptions) -> Sink:
    from .jsonlines import JsonLines

    assert options.json is not None
    return JsonLines(options.json)


def _csv(options: SinkOptions) -> Sink:
    from .csvrows import CsvRows

    assert options.csv is not None
    return CsvRows(options.csv)


def _text(options: SinkOptions) -> Sink:  # noqa: ARG001
    from .terminal import TerminalText

    return TerminalText()


def _save(options: SinkOptions) -> Sink:
    from .annotated import annotated

    assert options.save is not None
    return annotated(options.save, options.fps, several=len(options.sources) > 1)


def _window(options: SinkOptions) -> Sink:
    from .window import Window

    return Window(options.closed)


def _mqtt(options: SinkOptions) -> Sink:
    from .mqtt import MqttOptions, MqttSink

    assert options.mqtt is not None
    every = options.mqtt_all
    return MqttSink(MqttOptions.parse(options.mqtt, device=options.device, publish="results" if every else "changes"))


def _record(options: SinkOptions) -> Sink:
    from .record import RecordOptions, RecordSink

    assert options.record is not None
    size, age = int(options.record_mb * 1e6), options.record_days * 86400
    return RecordSink(RecordOptions(Path(options.record), quota_bytes=size, quota_age_s=age))


def _uncertain(options: SinkOptions) -> Sink:
    from .uncertain import UncertainOptions, UncertainSink

    assert options.keep_uncertain is not None
    kept = UncertainOptions(Path(options.keep_uncertain), blur=options.blur)
    return UncertainSink(kept, threshold=options.threshold, region=options.region)


SINKS: dict[str, Callable[[SinkOptions], Sink]] = {
    "json": _json,
    "csv": _csv,
    "text": _text,
    "save": _save,
    "window": _window,
    "mqtt": _mqtt,
    "record": _record,
    "keep_uncertain": _uncertain,
}


def open_sinks(options: SinkOptions) -> list[Sink]:
    """The sinks that were asked for, not yet entered."""
    return [make(options) for name, make in SINKS.items() if getattr(options, name)]
