"""How fast each source is served: the rate that was asked for, and less while the board is too hot."""

from __future__ import annotations

import time

from .board import BoardProbe, BoardReading
from .heat import HeatLimit, HeatPolicy

__all__ = ["Pace"]


class Pace:
    """When a source may be served again."""

    def __init__(self, probe: BoardProbe | None = None, policy: HeatPolicy | None = None) -> None:
        self._news: list[str] = []
        self._heat = HeatLimit(probe, policy, say=self._news.append) if probe else None
        self.slowed_to: float | None = None  # frames a second that heat allows each source, None for no limit

    def next(self, due: float, max_fps: float | None) -> float:
        """The earliest moment (monotonic seconds) for the frame after one that was due at `due` and is served now."""
        self.slowed_to = self._heat.fps() if self._heat else None
        limits = [fps for fps in (max_fps, self.slowed_to) if fps]
        if not limits:
            return 0.0
        now, period = time.monotonic(), 1 / min(limits)
        return due + period if now - due < period else now + period

    @property
    def reading(self) -> BoardReading:
        """The last look at the board."""
        return self._heat.reading if self._heat else BoardReading()

    def news(self) -> list[str]:
        """What has changed since this was asked last, in words."""
        news = list(self._news)
        self._news.clear()
        return news
