"""`--engine auto`: candidates are measured in the loop's quiet moments, and the fastest takes over."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import ModelFile, Network
from ..engines.catalog import available
from ..engines.protocol import EngineOptions
from ..errors import EdgelensError
from .network import LoadedNetwork
from .remembered import Measured

__all__ = ["BUDGET_S", "EngineSearch", "candidates", "choose", "header", "table_rows"]

BUDGET_S = 2.0
_RUNS = 9
_WARM_RUNS = 2
_BETTER = 0.95  # another file must be at least so much faster
_WORTH_A_THREAD = 0.8  # and twice the threads so much, since the loop and the sinks need cores too


def candidates(network: Network, *, precision: str | None = None, threads: int | None = None) -> list[Measured]:
    """Engine × precision × threads that can run here, the preferred file on one thread first.

    A file that was measured to answer worse takes part only where its precision was asked for, or nothing else is left.
    """
    files = [f for f in network.files if precision in (None, f.precision) and available(f.engine)]
    if precision is None:
        files = [f for f in files if "poorer" not in f.measured] or files
    files.sort(key=lambda file: file.path != network.preferred)
    counts = [threads] if threads else _thread_counts()
    return [Measured(file.path, file.engine, file.precision, count) for count in counts for file in files]


def choose(table: Sequence[Measured]) -> Measured | None:
    """The fastest, unless fewer threads are nearly as fast or the earlier file is; None where nothing ran."""
    best: Measured | None = None
    for row in sorted(table, key=lambda row: row.threads):
        if row.ms is not None and (best is None or _is_worth_it(row, best)):
            best = row
    return best


def _is_worth_it(row: Measured, best: Measured) -> bool:
    factor = _BETTER if row.threads == best.threads else _WORTH_A_THREAD
    return row.ms is not None and best.ms is not None and row.ms < best.ms * factor


@dataclass
class _Progress:
    spent_s: float = 0.0
    done: bool = False


class EngineSearch:
    """Measures candidates a little at a time; nothing runs but inside `step`."""

    def __init__(
        self,
        bundle: Bundle,
        network: Network,
        todo: Sequence[Measured],
        *,
        budget_s: float = BUDGET_S,
    ) -> None:
        self.table: list[Measured] = []
        self._files: dict[str, ModelFile] = {file.path: file for file in network.files}
        self._bundle, self._network, self._todo = bundle, network, list(todo)
        self._budget_s = budget_s
        self._progress = _Progress()
        self._work = self._measure_all()

    @property
    def done(self) -> bool:
        """Whether every candidate was measured, or the time is up."""
        return self._progress.done

    @property
    def spent_s(self) -> float:
        """Seconds used so far."""
        return self._progress.spent_s

    def step(self, quiet_s: float) -> bool:
        """Work for about so many seconds (a model that is being loaded cannot be interrupted); True when done."""
        start = time.perf_counter()
        while not self.done:
            before = time.perf_counter()
            finished = next(self._work, True)
            self._progress.spent_s += time.perf_counter() - before
            if finished or self.spent_s >= self._budget_s:
                self._progress.done = True
                self._work.close()
            if time.perf_counter() - start >= quiet_s:
                break
        return self.done

    def _measure_all(self) -> Generator[bool, None, None]:
        """Yield False after every piece of work: one load, or one run."""
        pixels = self._network.pixels
        picture = np.random.default_rng(0).integers(0, 256, (pixels.height, pixels.width, pixels.channels), np.uint8)
        for candidate in self._todo:
            times: list[float] = []
            try:
                for ms in self._measure(candidate, picture):
                    if ms is not None:
                        times.append(ms)
                    yield False
            except EdgelensError as error:
                self.table.append(replace(candidate, problem=str(error)))
                continue
            self.table.append(replace(candidate, ms=round(float(np.median(times[_WARM_RUNS:])), 4)))
        yield True

    def _measure(self, candidate: Measured, picture: NDArray[np.uint8]) -> Iterator[float | None]:
        options = EngineOptions(candidate.threads, candidate.accelerators)
        with LoadedNetwork(self._bundle, self._network, self._files[candidate.path], options) as loaded:
            yield None
            for _ in range(_WARM_RUNS + _RUNS):
                start = time.perf_counter()
                loaded.outputs(picture)
                yield (time.perf_counter() - start) * 1e3


def header() -> tuple[str, ...]:
    """The column names of `table_rows`."""
    return ("engine", "precision", "threads", "ms", "file", "")


def table_rows(table: Sequence[Measured], winner: Measured | None) -> list[tuple[Any, ...]]:
    """The search's table for people, fastest first."""
    ordered = sorted(table, key=lambda row: (row.ms is None, row.ms or 0.0))
    return [
        (
            ":".join([row.engine, ",".join(row.accelerators)]).rstrip(":"),
            row.precision,
            row.threads,
            "-" if row.ms is None else f"{row.ms:.3f}",
            row.path,
            "chosen" if row == winner else row.problem,
        )
        for row in ordered
    ]


def _thread_counts() -> list[int]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [count for count in (1, 2, 4) if count <= cores]
