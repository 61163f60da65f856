"""How fast the loop may go: the rate that was asked for, lowered while the board is too hot."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Pace", "RateLimit"]


class RateLimit(Protocol):
    """Something that limits the loop's rate for now: heat."""

    def fps(self) -> float | None:
        """Frames a second that a source may have; None is no limit."""


class Pace:
    """When a source may be served again."""

    def __init__(self, limit: RateLimit | None = None) -> None:
        self._limit = limit

    @property
    def slowed_to(self) -> float | None:
        """The rate that heat allows now, None where it does not limit."""
        return self._limit.fps() if self._limit else None

    def next(self, due: float, max_fps: float | None) -> float:
        """The earliest moment for the frame after one that was due at `due` (monotonic seconds)."""
        now = time.monotonic()
        limits = [fps for fps in (max_fps, self.slowed_to) if fps]
        if not limits:
            return 0.0
        period = 1 / min(limits)
        return max(due + period, now) if now - due < period else now + period
