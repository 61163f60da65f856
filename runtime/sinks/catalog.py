"""Sinks by what the command line asks for; each is imported only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    keep_uncertain: str | None = None
    window: bool = False
    text: bool = True
    fps: Callable[[], float | None] = lambda: None  # of the source, once it is open and where it is known
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
    return annotated(options.save, options.fps)


def _window(options: SinkOptions) -> Sink:
    from .window import Window

    return Window(options.closed)


SINKS: dict[str, Callable[[SinkOptions], Sink]] = {
    "json": _json,
    "csv": _csv,
    "text": _text,
    "save": _save,
    "window": _window,
}


def open_sinks(options: SinkOptions) -> list[Sink]:
    """The sinks that were asked for, not yet entered."""
    return [make(options) for name, make in SINKS.items() if getattr(options, name)]
