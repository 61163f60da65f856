"""Sinks by name: what each can be told, and how it is opened; it is imported only where it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..said import refuse_idle
from .options.annotated import SaveOptions
from .options.csvrows import CsvOptions
from .options.heat_map import HeatMapOptions
from .options.jsonlines import JsonOptions
from .options.mqtt import MqttOptions
from .options.record import RecordOptions
from .options.terminal import TextOptions
from .options.uncertain import UncertainOptions
from .options.window import WindowOptions
from .protocol import Sink, SinkContext

__all__ = ["SINKS", "Entry", "open_sinks"]


@dataclass(frozen=True)
class Entry:
    """A sink: its options' dataclass, and what makes it of them; None where they do not ask for it."""

    options: type[Any]
    open: Callable[[Any, SinkContext], Sink | None]


def _json(options: JsonOptions, context: SinkContext) -> Sink | None:
    if not options.path:
        return None
    from .jsonlines import JsonLines
    from .spared import spare_sources

    spare_sources("--json", options.path, context.sources)
    return JsonLines(options.path)


def _csv(options: CsvOptions, _: SinkContext) -> Sink | None:
    if not options.path:
        return None
    from .csvrows import CsvRows

    return CsvRows(options.path)


def _save(options: SaveOptions, context: SinkContext) -> Sink | None:
    if not options.path:
        return None
    from .annotated import annotated
    from .spared import spare_folder, spare_sources

    spare = spare_sources if Path(options.path).suffix else spare_folder
    spare("--save", options.path, context.sources)
    return annotated(options.path, context.fps, several=len(context.sources) > 1)


def _heat_map(options: HeatMapOptions, context: SinkContext) -> Sink | None:
    if not options.path:
        return None
    from .heat_map import HeatMap
    from .spared import spare_sources

    spare_sources("--heat-map", options.path, context.sources)
    return HeatMap(options.path, several=len(context.sources) > 1)


def _window(options: WindowOptions, context: SinkContext) -> Sink | None:
    if not options.shown:
        return None
    from .window import Window

    return Window(context.closed)


def _text(options: TextOptions, context: SinkContext) -> Sink | None:
    if options.quiet or context.printed:
        return None
    from .terminal import TerminalText

    return TerminalText()


def _mqtt(options: MqttOptions, context: SinkContext) -> Sink | None:
    if not options.url:
        refuse_idle(options, "--mqtt")
        return None
    from .mqtt import MqttSink

    return MqttSink(options, device=context.device)


def _record(options: RecordOptions, _: SinkContext) -> Sink | None:
    if options.boxes and options.boxes_as not in (None, "burnt"):
        raise UsageError(f"--record-boxes is --record-boxes-as burnt and not {options.boxes_as}: say one of them")
    if options.folder is None:
        refuse_idle(options, "--record")
        return None
    from .record import RecordSink

    return RecordSink(options)


def _uncertain(options: UncertainOptions, context: SinkContext) -> Sink | None:
    if options.folder is None:
        refuse_idle(options, "--keep-uncertain")
        return None
    from .uncertain import UncertainSink

    return UncertainSink(options, decode=context.decode, region=context.region)


SINKS: dict[str, Entry] = {
    "json": Entry(JsonOptions, _json),
    "csv": Entry(CsvOptions, _csv),
    "save": Entry(SaveOptions, _save),
    "heat_map": Entry(HeatMapOptions, _heat_map),
    "window": Entry(WindowOptions, _window),
    "text": Entry(TextOptions, _text),
    "mqtt": Entry(MqttOptions, _mqtt),
    "record": Entry(RecordOptions, _record),
    "uncertain": Entry(UncertainOptions, _uncertain),
}


def open_sinks(options: Mapping[str, Any], context: SinkContext) -> list[Sink]:
    """The sinks that their options, by the sinks' names, ask for, not yet entered; one that has none takes its own."""
    sinks = (entry.open(options.get(name) or entry.options(), context) for name, entry in SINKS.items())
    return [sink for sink in sinks if sink is not None]
