"""JSON lines that never grow past a size: a new file is begun, old ones are the quota's to delete."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

__all__ = ["RotatingLines"]


class RotatingLines:
    """Appends and flushes lines; a full disk loses lines and says how many."""

    def __init__(self, folder: Path, room_for: Callable[[int], bool], most_bytes: int) -> None:
        self._folder, self._room_for, self._most = folder, room_for, most_bytes
        self._stream: IO[bytes] | None = None
        self._size = 0
        self.lost = 0

    def append(self, value: dict[str, Any]) -> None:
        """Add one line."""
        line = (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        try:
            if not self._room_for(len(line)):
                self.lost += 1
                return
            if self._stream is None or self._size + len(line) > self._most:
                self._begin()
            assert self._stream is not None
            self._stream.write(line)
            self._size += len(line)
        except OSError:
            self.lost += 1
            self.close()

    def close(self) -> None:
        """Close the file; the next line begins a new one."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _begin(self) -> None:
        self.close()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        self._stream = open(self._folder / f"{stamp}-{time.monotonic_ns() % 10**6:06d}.jsonl", "ab", buffering=0)  # noqa: PTH123, SIM115
        self._size = 0
