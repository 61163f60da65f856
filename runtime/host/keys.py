"""Single keys from the terminal, without a line being ended; from a pipe, its characters."""

from __future__ import annotations

import os
import select
import sys
from types import TracebackType
from typing import Any

__all__ = ["END", "Keys"]

END = ""  # nothing more will come


class Keys:
    """Keys as they are pressed, as a context manager that leaves the terminal as it was."""

    def __init__(self) -> None:
        self._handle = sys.stdin.fileno()
        self._before: list[Any] | None = None

    def wait(self, seconds: float | None) -> str | None:
        """The next key, END after the last, None where none came in so many seconds (None waits for ever)."""
        ready, _, _ = select.select([self._handle], [], [], seconds)
        if not ready:
            return None
        data = os.read(self._handle, 1)
        return data.decode("latin-1") if data else END

    def __enter__(self) -> Keys:
        if os.isatty(self._handle):
            import termios
            import tty

            self._before = termios.tcgetattr(self._handle)
            tty.setcbreak(self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(self._handle, termios.TCSADRAIN, self._before)
