"""How a compression tells what it does: a live line on a terminal, one line a step elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Progress"]

_SILENT_S = 30.0  # after which a log without a live line hears how far a step is


@dataclass
class Progress:
    """Names each step while it runs and says how long it took; what was said is kept for the report."""

    quiet: bool = False
    lines: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _live: Any = None
    _told: float = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One step; its name is shown while it runs."""
        start = time.perf_counter()
        with self._spinner(what):
            yield
        taken = time.perf_counter() - start
        self.seconds[what] = round(taken, 2)
        self._print(f"{what}  {taken:.1f} s")

    def update(self, what: str) -> None:
        """Another text beside the spinner; where there is none, a line when nothing was said for a while."""
        if self._live is not None:
            self._live.update(what)
        elif time.monotonic() - self._told > _SILENT_S:
            self._print(what)

    def say(self, line: str) -> None:
        """One line that people should see."""
        self.lines.append(line)
        self._print(line)

    def _print(self, line: str) -> None:
        self._told = time.monotonic()
        if self.quiet:
            return
        if self._live is not None:
            self._live.console.print(line, highlight=False, markup=False)
        else:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    @contextlib.contextmanager
    def _spinner(self, what: str) -> Iterator[None]:
        if self.quiet or self._live is not None or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console

        with os.fdopen(os.dup(2), "w") as terminal:  # a handle of its own: exporters are silenced on the other
            console = Console(file=terminal)
            with console.status(what) as live:
                self._live = live
                try:
                    yield
                finally:
                    self._live = None
