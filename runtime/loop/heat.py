"""Slowing down for heat: a policy from what the board says to the rate it may work at."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .board import BoardProbe, BoardReading

__all__ = ["HeatLimit", "HeatPolicy"]


@dataclass(frozen=True)
class HeatPolicy:
    """When to slow down, how far, and when to recover."""

    limit_c: float = 80.0
    recover_below_c: float = 5.0  # cooler than the limit by so much before the rate rises again
    factor: float = 0.7  # a step down
    full_fps: float = 30.0
    least_fps: float = 1.0
    step_s: float = 5.0  # between two steps: heat answers slowly


class HeatLimit:
    """The rate that the board's heat allows, asked for by the loop with every frame.

    Too hot or throttled: a step down every `step_s` until it cools. Cool again: a step up at a time, until no limit is
    left. Between the two temperatures the rate stays, so that it does not swing.
    """

    def __init__(
        self,
        probe: BoardProbe,
        policy: HeatPolicy | None = None,
        *,
        say: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy or HeatPolicy()
        self._probe, self._say, self._clock = probe, say, clock
        self._allowed: float | None = None
        self._looked = self._stepped = float("-inf")
        self.reading = BoardReading()

    def fps(self) -> float | None:
        """Frames a second that are allowed now, None for no limit; looks at the board once a second at most."""
        now = self._clock()
        if now - self._looked >= 1:
            self._looked = now
            self.reading = self._probe.read()
            self._decide(now)
        return self._allowed

    def _decide(self, now: float) -> None:
        policy, heat = self.policy, self.reading.temperature_c
        hot = bool(self.reading.throttled) or (heat is not None and heat >= policy.limit_c)
        cool = not self.reading.throttled and (heat is None or heat <= policy.limit_c - policy.recover_below_c)
        if now - self._stepped < policy.step_s or not (hot or (cool and self._allowed is not None)):
            return
        self._stepped = now
        before = self._allowed
        if hot:
            self._allowed = max((before or policy.full_fps) * policy.factor, policy.least_fps)
        else:
            raised = (before or policy.full_fps) / policy.factor
            self._allowed = None if raised >= policy.full_fps * 0.999 else raised
        if self._say is not None and self._allowed != before:
            self._say(self._line(hot))

    def _line(self, hot: bool) -> str:
        heat = "" if self.reading.temperature_c is None else f" at {self.reading.temperature_c:.0f} °C"
        if self._allowed is None:
            return f"the board has cooled{heat}: full speed again"
        why = "throttles" if self.reading.throttled else "is hot" if hot else "cools"
        return f"the board {why}{heat}: at most {self._allowed:.1f} frames a second"
