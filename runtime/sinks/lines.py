"""JSON lines that never grow past a size: a new file is begun, old ones are the quota's to delete."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .streams import AppendedText

__all__ = ["RotatingLines"]


class RotatingLines:
    """Appends lines, each of them whole or not there at all."""

    def __init__(self, folder: Path, room_for: Callable[[int], bool], most_bytes: int) -> None:
        self._folder, self._room_for, self._most = folder, room_for, most_bytes
        self._text: AppendedText | None = None
        self._size = 0

    def append(self, value: dict[str, Any]) -> bool:
        """Add one line; False where the quota has no room for it, OSError where the disk has none."""
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
        size = len(line.encode("utf-8", "backslashreplace"))
        if not self._room_for(size):  # which may delete the file that is open, if nothing was added for long
            return False
        if self._text is None or self._text.gone or self._size + size > self._most:
            self._begin()
        assert self._text is not None
        self._text.append(line)
        self._size += size
        return True

    def close(self) -> None:
        """Close the file; the next line begins a new one."""
        if self._text is not None:
            self._text.__exit__()
            self._text = None

    def _begin(self) -> None:
        self.close()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        self._text = AppendedText(str(self._folder / f"{stamp}-{time.monotonic_ns() % 10**6:06d}.jsonl"))
        self._size = 0
