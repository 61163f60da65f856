"""Where frames wait for the loop: only the newest of a live source, a short queue of a file."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from .frame import Frame

__all__ = ["Slot", "Waiting"]

DEPTH = 4  # frames of a file that may be decoded ahead
AHEAD_BYTES = 16 * 1024 * 1024  # large frames are decoded ahead less far


@dataclass(frozen=True)
class Waiting:
    """A frame and the milliseconds its source took from capture to handing it over."""

    frame: Frame
    capture_ms: float


class Slot:
    """The place between one capture thread and the loop; a live source's put never waits, a file's does."""

    def __init__(self, ready: threading.Condition, *, live: bool) -> None:
        self.live, self.captured, self.skipped = live, 0, 0
        self._ready = ready
        self._frames: deque[Waiting] = deque()
        self._bytes = 0
        self._closed = False

    def put(self, waiting: Waiting) -> bool:
        """Leave a frame for the loop; False when the loop is over."""
        with self._ready:
            if self.live:
                self.skipped += len(self._frames)
                self._clear()
            else:
                self._ready.wait_for(lambda: self._closed or not self._full())
            if self._closed:
                return False
            self.captured += 1
            self._bytes += waiting.frame.image.nbytes
            self._frames.append(waiting)
            if len(self._frames) == 1:  # else the loop knows that something is here
                self._ready.notify_all()
            return True

    def take(self) -> Waiting | None:
        """The next frame if one is there; the caller holds the condition."""
        if not self._frames:
            return None
        held_up = not self.live and self._full()
        waiting = self._frames.popleft()
        self._bytes -= waiting.frame.image.nbytes
        if held_up:
            self._ready.notify_all()
        return waiting

    def passed_over(self, count: int) -> None:
        """Count frames that a live source itself skipped to stay with the newest one."""
        with self._ready:
            self.captured += count
            self.skipped += count

    def discard(self) -> None:
        """Count what waits as skipped: it came over a connection that is dead by now."""
        with self._ready:
            self.skipped += len(self._frames)
            self._clear()

    def close(self) -> None:
        """Let a put that waits return; nothing is taken in any more."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def __len__(self) -> int:
        return len(self._frames)

    def _full(self) -> bool:
        return len(self._frames) >= DEPTH or (bool(self._frames) and self._bytes >= AHEAD_BYTES)

    def _clear(self) -> None:
        self._frames.clear()
        self._bytes = 0
