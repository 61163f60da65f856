"""Where frames wait for the loop: only the newest of a live source, a short queue of a file."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from ..frame import Frame
from .doorbell import Doorbell

__all__ = ["FrameSlot", "Waiting"]

DEPTH = 8  # frames of a file that may be decoded ahead
AHEAD_BYTES = 16 * 1024 * 1024  # large frames are decoded ahead less far


@dataclass(frozen=True)
class Waiting:
    """A frame and the milliseconds its source took from capture to handing it over."""

    frame: Frame
    capture_ms: float


class FrameSlot:
    """The place between one capture thread and the loop; a live source's put never waits, a file's does."""

    def __init__(self, bell: Doorbell, *, live: bool) -> None:
        self.live, self.captured, self.skipped = live, 0, 0
        self.arrived = 0.0  # monotonic seconds: when the newest frame was put
        self._bell, self._lock = bell, bell.lock
        self._frames: deque[Waiting] = deque()
        self._bytes = 0
        self._closed = self._held_up = False

    def put(self, waiting: Waiting) -> bool:
        """Leave a frame for the loop; False when the loop is over."""
        with self._lock:
            if self.live:
                self.skipped += len(self._frames)
                self._clear()
            elif self._filled(1):
                self._held_up = True
                self._lock.wait_for(lambda: self._closed or not self._filled(0.5))
                self._held_up = False
            if self._closed:
                return False
            self.captured += 1
            self.arrived = time.monotonic()
            self._bytes += waiting.frame.image.nbytes
            self._frames.append(waiting)
            self._bell.ring(urgent=self._filled(0.5))
            return True

    def take(self) -> Waiting | None:
        """The next frame if one is there; the caller holds the bell's lock."""
        if not self._frames:
            return None
        waiting = self._frames.popleft()
        self._bytes -= waiting.frame.image.nbytes
        self._bell.taken()
        if self._held_up and not self._filled(0.5):
            self._held_up = False
            self._lock.notify_all()
        return waiting

    def put_back(self, waiting: Waiting) -> None:
        """What was taken last is the next frame again."""
        with self._lock:
            self._frames.appendleft(waiting)
            self._bytes += waiting.frame.image.nbytes

    def passed_over(self, count: int) -> None:
        """Count frames that a live source itself skipped to stay with the newest one."""
        with self._lock:
            self.captured += count
            self.skipped += count

    def discard(self) -> None:
        """Count what waits as skipped: it came over a connection that is dead by now."""
        with self._lock:
            self.skipped += len(self._frames)
            self._clear()

    def close(self) -> None:
        """Let a put that waits return; nothing is taken in any more."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def __len__(self) -> int:
        return len(self._frames)

    def _filled(self, share: float) -> bool:
        """Whether so large a share of the room is taken; one frame always fits."""
        taken = max(len(self._frames) / DEPTH, self._bytes / AHEAD_BYTES)
        return bool(self._frames) and taken >= share

    def _clear(self) -> None:
        self._frames.clear()
        self._bytes = 0
