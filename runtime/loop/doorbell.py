"""How one thread is told that others have brought it something, without a wake-up for each small thing."""

from __future__ import annotations

import threading
import time

__all__ = ["Doorbell"]

GATHER_S = 0.002


class Doorbell:
    """Wakes the thread that takes things away; whoever waits or rings holds `lock`.

    To wake a thread costs the one that does it tens of microseconds, in which no other Python runs: more than the work
    on a small frame. So a taker that takes more often than every `GATHER_S` looks again by itself after so long, and is
    not woken meanwhile. One that `gathers` nothing is always woken at once: a live source's frames must not wait.
    """

    def __init__(self, *, gathers: bool = True) -> None:
        self.lock = threading.Condition()
        self._gathers = gathers
        self._asleep = self._brisk = False
        self._taken = 0.0

    def ring(self, *, urgent: bool = False) -> None:
        """Something was brought; an urgent ring is heard also by those who wait for room."""
        if urgent or self._asleep:
            self.lock.notify_all()

    def taken(self) -> None:
        """Something was taken away."""
        before, self._taken = self._taken, time.monotonic()
        self._brisk = self._gathers and self._taken - before < GATHER_S

    def wait(self, timeout: float | None) -> None:
        """Wait, as the one who takes, for a ring or so many seconds; may return early."""
        if self._brisk:
            self._brisk = False
            self.lock.wait(GATHER_S if timeout is None else min(timeout, GATHER_S))
            return
        self._asleep = True
        try:
            self.lock.wait(timeout)
        finally:
            self._asleep = False
