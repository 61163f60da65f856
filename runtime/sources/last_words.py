"""What a camera's program says beside its pictures: read as it comes, so that it never waits, and the end is kept."""

from __future__ import annotations

import threading
from collections import deque
from typing import IO

__all__ = ["LastWords"]

_KEPT = 20  # lines
_LINE_BYTES = 4096


class LastWords:
    """A thread that reads a pipe to its end; the program behind it may say a line a picture for days."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe, self._lines = pipe, deque[bytes](maxlen=_KEPT)
        self._thread = threading.Thread(target=self._read, name="camera program", daemon=True)
        self._thread.start()

    def last(self, patience_s: float = 0.5) -> str:
        """The last line of a program that has ended."""
        self._thread.join(patience_s)
        lines = [line.decode(errors="replace").strip() for line in list(self._lines)]
        return next((line for line in reversed(lines) if line), "")

    def close(self) -> None:
        """Let go of the pipe, once its program has ended."""
        self._thread.join(0.5)
        if not self._thread.is_alive():  # else something else holds its other end
            self._pipe.close()

    def _read(self) -> None:
        for line in iter(lambda: self._pipe.readline(_LINE_BYTES), b""):
            self._lines.append(line)
