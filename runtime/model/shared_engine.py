"""One engine for many threads: whoever holds it runs everybody's pictures that are waiting, as one batch if that pays.

There is no thread and no waiting for a batch to fill: a lone request runs at once, and batches form by themselves
while the engine is busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SharedEngine", "batch_pays"]

Outputs = dict[str, NDArray[Any]]
Run = Callable[[NDArray[np.uint8]], Outputs]

_MOST = 8  # pictures in one run
_GAIN = 0.9  # of the time one by one that a batch may take at most


class _Job:
    __slots__ = ("error", "outputs", "pixels")

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.outputs: Outputs | None = None
        self.error: Exception | None = None


class SharedEngine:
    """A network's run that many threads may ask for, `most` pictures at once."""

    def __init__(self, run: Run, most: int = 1) -> None:
        self.most = most
        self.batches: dict[int, int] = {}  # how often each size was run
        self._run_pictures = run
        self._engine = threading.Lock()
        self._waiting: list[_Job] = []
        self._list = threading.Lock()

    def outputs(self, pixels: NDArray[np.uint8]) -> Outputs:
        """The outputs for one picture (H, W, C), with a batch axis of one."""
        job = _Job(pixels)
        with self._list:
            self._waiting.append(job)
        while job.outputs is None and job.error is None:
            with self._engine:
                if job.outputs is None and job.error is None:
                    self._run_waiting()
        if job.error is not None:
            raise job.error
        assert job.outputs is not None
        return job.outputs

    def _run_waiting(self) -> None:
        with self._list:
            shape = self._waiting[0].pixels.shape  # a network of several widths takes one at a time
            jobs = [job for job in self._waiting if job.pixels.shape == shape][: self.most]
            self._waiting = [job for job in self._waiting if job not in jobs]
        try:
            if len(jobs) == 1:
                jobs[0].outputs = _copied(self._run_pictures(jobs[0].pixels), slice(None))
            else:
                outputs = self._run_pictures(np.stack([job.pixels for job in jobs]))
                for i, job in enumerate(jobs):
                    job.outputs = _copied(outputs, slice(i, i + 1))
        except Exception as error:  # noqa: BLE001 (raised again in the thread that asked)
            for job in jobs:
                job.error = error
        self.batches[len(jobs)] = self.batches.get(len(jobs), 0) + 1


def batch_pays(run: Run, picture: NDArray[np.uint8]) -> int:
    """How many pictures to run at once: 8 when that was measured faster than one by one, else 1."""
    many = np.stack([picture] * _MOST)
    try:
        if any(len(values) != _MOST for values in run(many).values()):
            return 1
        single = min(_seconds(run, picture) for _ in range(3)) * _MOST
        batch = min(_seconds(run, many) for _ in range(3))
    except Exception:  # noqa: BLE001 (a model whose batch axis is free in name only)
        return 1
    return _MOST if batch < _GAIN * single else 1


def _seconds(run: Run, pixels: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    run(pixels)
    return time.perf_counter() - start


def _copied(outputs: Outputs, rows: slice) -> Outputs:
    """An engine may reuse its arrays in the next run."""
    return {name: np.array(values[rows]) for name, values in outputs.items()}
