"""An event loop that rests as long as it has worked: a camera beside it needs the interpreter many times a frame.

Python's threads take turns, and each time a busy one has to be asked to give way costs milliseconds. While this one
sleeps nobody has to ask.
"""

from __future__ import annotations

import asyncio
import selectors
import time

__all__ = ["RestingLoop"]

WORTH_S = 0.001  # of work, below which nobody was kept waiting
LONGEST_S = 0.02


class _RestingSelector(selectors.DefaultSelector):
    """Between two turns of the loop is where it is asked what is ready: there it rests."""

    woke = float("inf")

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, after a rest."""
        worked_s = time.perf_counter() - self.woke
        if worked_s > WORTH_S:
            time.sleep(min(worked_s, LONGEST_S))
        ready = super().select(timeout)
        self.woke = time.perf_counter()
        return ready


class RestingLoop(asyncio.SelectorEventLoop):
    """An event loop that rests."""

    def __init__(self) -> None:
        self._resting = _RestingSelector()
        super().__init__(self._resting)

    def gave_way(self, seconds: float) -> None:
        """Of this turn so much was spent in the kernel, where others had the interpreter: no rest is owed for it."""
        self._resting.woke += seconds
