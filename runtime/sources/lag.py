"""How late a stream's pictures come, by the stream's own clock."""

from __future__ import annotations

from collections import deque

__all__ = ["STALE_S", "Lag"]

STALE_S = 1.0  # a picture this much later than the stream's fastest ones was waiting in a buffer


class Lag:
    """How much later than its best a stream delivers: its own clock against ours, which may drift apart slowly.

    The best is what the fastest tenth of some pictures do: a camera's time stamp may be late for once.
    """

    _DRIFT = 2e-4  # seconds a second: more than two quartz clocks differ
    _BELIEVED_S = 3.0  # a buffer is emptied sooner than this; what stays late longer is a clock that was set
    _PICTURES = 30

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=self._PICTURES)
        self._best = self._at = 0.0
        self._late_since: float | None = None

    def late(self, now: float, stream_time: float) -> float:
        """Seconds that a picture with this stream time comes late, 0 for the fastest ones."""
        if stream_time <= 0:
            return 0.0
        lag = now - stream_time
        self._recent.append(lag)
        fast = sorted(self._recent)[len(self._recent) // 10]
        young = len(self._recent) < self._PICTURES
        self._best = fast if young else min(fast, self._best + (now - self._at) * self._DRIFT)
        self._at = now
        if lag - self._best < STALE_S:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        elif now - self._late_since > self._BELIEVED_S:
            self._recent.clear()
            self._best, self._late_since = lag, None
        return max(lag - self._best, 0.0)
