"""How late a stream's pictures come, by the stream's own clock."""

from __future__ import annotations

__all__ = ["STALE_S", "Lag"]

STALE_S = 1.0  # a picture this much later than the stream's fastest ones was waiting in a buffer


class Lag:
    """How much later than its best a stream delivers: its own clock against ours, which may drift apart slowly."""

    _DRIFT = 2e-4  # seconds a second: more than two quartz clocks differ
    _BELIEVED_S = 3.0  # a buffer is emptied sooner than this; what stays late longer is a clock that was set

    def __init__(self) -> None:
        self._least: float | None = None
        self._at = 0.0
        self._late_since: float | None = None

    def late(self, now: float, stream_time: float) -> float:
        """Seconds that a picture with this stream time comes late, 0 for the fastest ones."""
        if stream_time <= 0:
            return 0.0
        lag = now - stream_time
        if self._least is None:
            self._least = lag
        self._least = min(lag, self._least + (now - (self._at or now)) * self._DRIFT)
        self._at = now
        if lag - self._least < STALE_S:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        elif now - self._late_since > self._BELIEVED_S:
            self._least, self._late_since = lag, None
        return lag - self._least
