"""Who else had the processor meanwhile, by the kernel's own books."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Occupation", "Occupied", "waited_ns"]

_TICK_S = 0.01  # of /proc/stat, for programs


@dataclass(frozen=True)
class Occupied:
    """What others did while this process measured."""

    others_cores: float | None  # how many cores' worth of time other programs took; None where it is not told
    waited: float | None  # the share of the time that this process stood ready and got no core


def waited_ns() -> int | None:
    """Nanoseconds that this process's first thread ever stood ready without a core."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None


class Occupation:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._start = self._now()

    def so_far(self) -> Occupied:
        """What happened since then."""
        (busy, own, wall, waited), (busy0, own0, wall0, waited0) = self._now(), self._start
        elapsed = max(wall - wall0, 1e-9)
        others = None
        if busy is not None and busy0 is not None and elapsed > 10 * _TICK_S:
            others = max((busy - busy0 - (own - own0)) / elapsed, 0.0)
        share = None if waited is None or waited0 is None else (waited - waited0) / 1e9 / elapsed
        return Occupied(others, share)

    @staticmethod
    def _now() -> tuple[float | None, float, float, int | None]:
        return _busy_s(), time.process_time(), time.perf_counter(), waited_ns()


def _busy_s() -> float | None:
    """Seconds that all cores were busy since the start of the machine, with this and every program."""
    try:
        counts = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, IndexError, ValueError):
        return None
    user, nice, system, idle, waiting, irq, softirq, steal = counts
    del idle, waiting
    return (user + nice + system + irq + softirq + steal) * _TICK_S
