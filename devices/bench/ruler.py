"""A fixed calculation that tells whether the machine was left alone: its time is the machine's, whatever the model."""

from __future__ import annotations

import time

import numpy as np

__all__ = ["QUIET", "Ruler"]

QUIET = 1.15  # a block is undisturbed when the ruler on both its sides takes at most so many times its best
_SIDE = 48
_READ_NS = 400_000
_LEAST = 5


class Ruler:
    """A small matrix product, timed for less than half a millisecond.

    A program on the same core's other half, a lower clock or a busy host slow it down as they slow a model.
    """

    def __init__(self) -> None:
        self._matrix = np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
        self._product = np.empty_like(self._matrix)
        for _ in range(100):
            self._once()

    def read_ms(self) -> float:
        """The lower quartile of some products, in this thread's own time: being interrupted is another matter."""
        clock = time.thread_time_ns
        times: list[int] = []
        end = clock() + _READ_NS
        while len(times) < _LEAST or clock() < end:
            start = clock()
            self._once()
            times.append(clock() - start)
            if times[-1] > _READ_NS:  # an emulated board: one look says enough
                break
        return sorted(times)[len(times) // 4] / 1e6

    def _once(self) -> None:
        np.matmul(self._matrix, self._matrix, out=self._product)
