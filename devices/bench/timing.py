"""The timing loops: nothing but the call stands between two looks at the clock."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .occupation import waited_ns
from .ruler import Ruler

__all__ = ["Block", "alternate", "sample", "sample_blocks", "warm_up"]

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


@dataclass(frozen=True)
class Block:
    """Some runs in a row, and how the machine was meanwhile."""

    samples_ms: list[float]
    cpu_ms: list[float]  # of those, what the calling thread spent itself: a run that was interrupted has waited
    before_ms: float  # the ruler on either side
    after_ms: float
    waited: float | None  # the share of the block that the process got no core


def warm_up(run: Callable[[], object], most_s: float) -> tuple[int, bool]:
    """Run until the medians of three neighbouring windows agree; how many runs it took, and whether they did."""
    medians: list[float] = []
    runs, end = 0, time.perf_counter() + most_s
    with _quiet():
        while time.perf_counter() < end:
            window: list[float] = []
            stop = time.perf_counter() + 0.02
            while not window or time.perf_counter() < (end if len(window) < 3 else stop):
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


def sample_blocks(run: Callable[[], object], seconds: float, most: int) -> list[Block]:
    """Runs for so many seconds, one at least, in blocks of some milliseconds between two looks at the ruler."""
    ruler = Ruler()
    blocks: list[Block] = []
    clock, count = time.perf_counter_ns, 0
    with _quiet():
        before = ruler.read_ms()
        end = clock() + int(seconds * 1e9)
        while count < most and (clock() < end or not blocks):
            started, waited = clock(), waited_ns()
            times, own = _timed_until(run, min(started + int(_BLOCK_NS), end), most - count)
            elapsed, still = clock() - started, waited_ns()
            lost = None if waited is None or still is None else (still - waited) / max(elapsed, 1)
            after = ruler.read_ms()
            blocks.append(Block([t / 1e6 for t in times], [t / 1e6 for t in own], before, after, lost))
            before, count = after, count + len(times)
    return blocks


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


def _timed_until(run: Callable[[], object], end: int, most: int) -> tuple[list[int], list[int]]:
    """Nanoseconds of runs until a moment, one at least, and what of them the calling thread spent itself."""
    clock, spent = time.perf_counter_ns, time.thread_time_ns
    times: list[int] = []
    own: list[int] = []
    while True:
        before, start = spent(), clock()
        run()
        stop = clock()
        own.append(spent() - before)
        times.append(stop - start)
        if stop >= end or len(times) >= most:
            return times, own


def _block(run: Callable[[], object], count: int) -> list[int]:
    """Nanoseconds of runs in a row."""
    clock = time.perf_counter_ns
    times = []
    for _ in range(count):
        start = clock()
        run()
        times.append(clock() - start)
    return times
