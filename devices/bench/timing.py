"""The timing loops: nothing but the call stands between two looks at the clock."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

__all__ = ["alternate", "sample", "warm_up"]

_SETTLED = 0.02  # neighbouring windows' medians this close together
_WINDOWS = 3


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No garbage collection between two looks at the clock."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def warm_up(run: Callable[[], object], most_s: float) -> tuple[int, bool]:
    """Run until the medians of three neighbouring windows agree; how many runs it took, and whether they did."""
    medians: list[float] = []
    runs, end = 0, time.perf_counter() + most_s
    with _quiet():
        while time.perf_counter() < end:
            window: list[float] = []
            stop = time.perf_counter() + 0.02
            while len(window) < 5 or time.perf_counter() < stop:
                start = time.perf_counter()
                run()
                window.append(time.perf_counter() - start)
            runs += len(window)
            medians.append(float(np.median(window)))
            last = medians[-_WINDOWS:]
            if len(last) == _WINDOWS and max(last) <= min(last) * (1 + _SETTLED):
                return runs, True
    return runs, False


def sample(run: Callable[[], object], seconds: float, least: int, most: int) -> list[float]:
    """Milliseconds of single runs, for so many seconds and at least so many runs."""
    samples: list[float] = []
    clock = time.perf_counter_ns
    end = clock() + int(seconds * 1e9)
    with _quiet():
        while len(samples) < most:
            start = clock()
            if start > end and len(samples) >= least:
                break
            run()
            samples.append((clock() - start) / 1e6)
    return samples


def alternate(a: Callable[[], object], b: Callable[[], object], seconds: float, seed: int = 0) -> list[float]:
    """B's median over A's in each round; a round runs both for some milliseconds, in an order drawn by lot."""
    rng = np.random.default_rng(seed)
    warm_up(a, seconds / 4)
    warm_up(b, seconds / 4)
    counts = [_runs_for(run, 0.008) for run in (a, b)]
    rounds: list[float] = []
    end = time.perf_counter() + seconds
    with _quiet():
        while time.perf_counter() < end or len(rounds) < 4:
            order: Sequence[int] = (0, 1) if rng.random() < 0.5 else (1, 0)
            times = [0.0, 0.0]
            for which in order:
                times[which] = _median((a, b)[which], counts[which])
            rounds.append(times[1] / times[0])
    return rounds


def _runs_for(run: Callable[[], object], seconds: float) -> int:
    start = time.perf_counter()
    run()
    return int(np.clip(seconds / max(time.perf_counter() - start, 1e-7), 1, 200))


def _median(run: Callable[[], object], count: int) -> float:
    clock = time.perf_counter_ns
    times = []
    for _ in range(count):
        start = clock()
        run()
        times.append(clock() - start)
    return float(np.median(times))
