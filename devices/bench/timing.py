"""The timing loops: nothing but the call stands between two looks at the clock."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator

import numpy as np

__all__ = ["alternate", "sample", "warm_up"]

_SETTLED = 0.02  # neighbouring windows' medians this close together
_WINDOWS = 3
_BLOCK_NS = 8e6
_LEAST = 4  # runs of each, however slow they are


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
            while len(window) < 3 or time.perf_counter() < stop:
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


def alternate(a: Callable[[], object], b: Callable[[], object], seconds: float, *, b_first: bool = False) -> float:
    """B's time over A's, from blocks of some milliseconds in turn, A B B A; what else runs here hardly moves it.

    Both are interrupted alike, but not in the same run: their lower tenths are of runs that were left alone.
    """
    both = (b, a) if b_first else (a, b)
    times: tuple[list[int], list[int]] = ([], [])
    with _quiet():
        counts = [int(np.clip(_BLOCK_NS / min(_block(run, 4)), 1, 200)) for run in both]
        end = time.perf_counter() + seconds
        order = (0, 1)
        while time.perf_counter() < end or len(times[0]) < _LEAST:
            for which in order:
                times[which].extend(_block(both[which], counts[which]))
            order = (order[1], order[0])
    first, second = (float(np.quantile(part, 0.1)) for part in times)
    return first / second if b_first else second / first


def _block(run: Callable[[], object], count: int) -> list[int]:
    """Nanoseconds of runs in a row."""
    clock = time.perf_counter_ns
    times = []
    for _ in range(count):
        start = clock()
        run()
        times.append(clock() - start)
    return times
