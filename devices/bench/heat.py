"""What the board said while it was measured."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from edgelens.runtime.loop.board import BoardProbe, BoardReading

__all__ = ["HeatLog", "Moment"]


@dataclass(frozen=True)
class Moment:
    """One look at the board, at monotonic seconds."""

    at_s: float
    reading: BoardReading


class HeatLog:
    """Looks at the board every half second while it is entered."""

    def __init__(self, probe: BoardProbe, every_s: float = 0.5) -> None:
        self._probe, self._every_s = probe, every_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.moments: list[Moment] = []

    def __enter__(self) -> HeatLog:
        self._look()
        self._thread = threading.Thread(target=self._watch, name="heat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._look()

    def throttled(self) -> bool | None:
        """Whether any look found the board throttled; None where it cannot say."""
        told = [moment.reading.throttled for moment in self.moments if moment.reading.throttled is not None]
        return any(told) if told else None

    def watts(self, since_s: float, until_s: float) -> float | None:
        """Mean power between two moments, counting the looks just before and after."""
        margin = 2 * self._every_s  # a busy machine looks late
        told = [m.reading.power_w for m in self.moments if since_s - margin <= m.at_s <= until_s + margin]
        known = [value for value in told if value is not None]
        return sum(known) / len(known) if known else None

    def as_list(self) -> list[dict[str, Any]]:
        """The looks as plain values, seconds counted from the first."""
        start = self.moments[0].at_s if self.moments else 0.0
        return [{"at_s": round(m.at_s - start, 3), **asdict(m.reading)} for m in self.moments]

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        self.moments.append(Moment(time.monotonic(), self._probe.read()))
