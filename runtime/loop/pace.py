"""How fast each source is served: the rate that was asked for, and less while the board is too hot."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .board import BoardProbe, BoardReading

if TYPE_CHECKING:
    from .heat import HeatLimit, HeatPolicy

__all__ = ["Pace"]


class Pace:
    """When a source may be served again."""

    def __init__(
        self, probe: Callable[[], BoardProbe] | None = None, policy: Callable[[], HeatPolicy] | None = None
    ) -> None:
        self._news: list[str] = []
        self._probe, self._policy = probe, policy  # made after the first frame, which does not wait for them
        self._heat: HeatLimit | None = None
        self._begun = False
        self.slowed_to: float | None = None  # frames a second that heat allows each source, None for no limit

    def next(self, due: float, max_fps: float | None) -> float:
        """The earliest moment (monotonic seconds) for the frame after one that was due at `due` and is served now."""
        if self._begun and self._probe is not None:
            self._watch_heat()
        self._begun = True
        limits = [fps for fps in (max_fps, self.slowed_to) if fps]
        if not limits:
            return 0.0
        now, period = time.monotonic(), 1 / min(limits)
        return due + period if now - due < period else now + period

    def _watch_heat(self) -> None:
        if self._heat is None:
            from .heat import HeatLimit

            assert self._probe is not None
            self._heat = HeatLimit(self._probe(), self._policy() if self._policy else None, say=self._news.append)
        self.slowed_to = self._heat.fps()

    @property
    def reading(self) -> BoardReading:
        """The last look at the board."""
        return self._heat.reading if self._heat else BoardReading()

    def news(self) -> list[str]:
        """What has changed since this was asked last, in words."""
        news = list(self._news)
        self._news.clear()
        return news
