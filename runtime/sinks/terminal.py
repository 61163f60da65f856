"""Results as plain text: a live line on a terminal, a line an announcement elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import IO

from ..result import Result
from ..tasks.catalog import task_of
from .protocol import Notice

__all__ = ["TerminalText"]

REDRAW_S = 0.1


class TerminalText:
    """Label, score and rate as text."""

    name = "text"

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._begun: set[str] = set()
        self._drawn = 0.0
        self._rates: dict[str, float] = {}
        self._times: dict[str, float] = {}

    def write(self, result: Result) -> None:
        """Show one result."""
        frame = result.frame
        self._count(frame.source)
        if frame.path is not None:
            self._line(f"{frame.path}: {_described(result)}")
        elif self._live:
            self._redraw(result)
        elif result.announced is not None or self._is_first(result):  # a service's log must not fill a card
            self._line(f"{frame.source} #{frame.index}: {_described(result)}{_announced(result)}")

    def notice(self, notice: Notice) -> None:
        """The command line tells what happened to sources, on stderr."""

    def __enter__(self) -> TerminalText:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._live and self._drawn:
            self._stream.write("\n")
        self._stream.flush()

    def _is_first(self, result: Result) -> bool:
        first = result.frame.source not in self._begun
        self._begun.add(result.frame.source)
        return first

    def _count(self, source: str) -> None:
        now = time.monotonic()
        before, self._times[source] = self._times.get(source), now
        if before is not None and now > before:
            rate = self._rates.get(source, 1 / (now - before))
            self._rates[source] = 1 / (0.95 / rate + 0.05 * (now - before))

    def _redraw(self, result: Result) -> None:
        if result.announced is not None:
            self._line(f"{result.frame.source} #{result.frame.index}: {result.announced}")
        now = time.monotonic()
        if now - self._drawn < REDRAW_S:
            return
        self._drawn = now
        text = f"{result.frame.source}: {_described(result)}  {self._rates.get(result.frame.source, 0):.1f} fps"
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r{text[:width]:<{width}}")
        self._stream.flush()

    def _line(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1 if self._live else 0
        self._stream.write(f"\r{text:<{width}}\n" if self._live else f"{text}\n")
        self._stream.flush()


def _described(result: Result) -> str:
    """What was seen, in a few words."""
    return task_of(result.seen.task).describe(result.seen)


def _announced(result: Result) -> str:
    return "" if result.announced is None else f"  ({result.announced} announced)"
