"""One engine for many threads: whoever holds it runs everybody's pictures that are waiting, as one batch if that pays.

There is no thread and no waiting for a batch to fill: a lone request runs at once, and batches form by themselves
while the engine is busy.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .network import LoadedNetwork

__all__ = ["SharedNetwork", "batch_pays"]

Outputs = dict[str, NDArray[Any]]


class _Job:
    __slots__ = ("error", "outputs", "pixels")

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.outputs: Outputs | None = None
        self.error: Exception | None = None


class SharedNetwork:
    """A loaded network that many threads may ask."""

    def __init__(self, network: LoadedNetwork, *, most: int = 1) -> None:
        self.network, self.most = network, most
        self.batches: dict[int, int] = {}  # how often each size was run
        self._engine = threading.Lock()
        self._waiting: list[_Job] = []
        self._list = threading.Lock()

    def outputs(self, pixels: NDArray[np.uint8]) -> Outputs:
        """The network's outputs for one picture (H, W, C), with a batch axis of one."""
        job = _Job(pixels)
        with self._list:
            self._waiting.append(job)
        while job.outputs is None and job.error is None:
            with self._engine:
                if job.outputs is None and job.error is None:
                    self._run()
        if job.error is not None:
            raise job.error
        assert job.outputs is not None
        return job.outputs

    def _run(self) -> None:
        with self._list:
            jobs, self._waiting = self._waiting[: self.most], self._waiting[self.most :]
        try:
            if len(jobs) == 1:
                jobs[0].outputs = _copied(self.network.outputs(jobs[0].pixels), slice(None))
            else:
                outputs = self.network.outputs(np.stack([job.pixels for job in jobs]))
                for i, job in enumerate(jobs):
                    job.outputs = _copied(outputs, slice(i, i + 1))
        except Exception as error:  # noqa: BLE001 (raised again in the thread that asked)
            for job in jobs:
                job.error = error
        self.batches[len(jobs)] = self.batches.get(len(jobs), 0) + 1


def batch_pays(network: LoadedNetwork, most: int = 8, gain: float = 0.9) -> int:
    """How many pictures to run at once: `most` when that was measured faster than one by one, else 1."""
    if not network.engine.inputs or network.engine.inputs[0].shape[:1] != (None,):
        return 1
    pixels = network.network.pixels
    one = np.full((pixels.height, pixels.width, pixels.channels), 128, np.uint8)
    many = np.stack([one] * most)
    try:
        if any(len(values) != most for values in network.outputs(many).values()):
            return 1
        single = min(_seconds(network, one) for _ in range(3)) * most
        batch = min(_seconds(network, many) for _ in range(3))
    except Exception:  # noqa: BLE001 (a model whose batch axis is free in name only)
        return 1
    return most if batch < gain * single else 1


def _seconds(network: LoadedNetwork, pixels: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    network.outputs(pixels)
    return time.perf_counter() - start


def _copied(outputs: Outputs, rows: slice) -> Outputs:
    """An engine may reuse its arrays in the next run."""
    return {name: np.array(values[rows]) for name, values in outputs.items()}
