"""Many small jobs on all cores, some a task: a task for each would cost more than a small picture does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

__all__ = ["Workers"]

Item = TypeVar("Item")

_TOGETHER = 16
_TASKS = 4  # for every thread, so that none waits long for the last


class Workers:
    """A pool of threads, as a context manager."""

    def __init__(self, threads: int) -> None:
        self._threads, self._pool = threads, ThreadPoolExecutor(threads)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def each(self, work: Callable[[Item], None], items: Sequence[Item]) -> None:
        """Do the work on every item and return when all of it is done."""
        size = max(1, min(_TOGETHER, len(items) // (_TASKS * self._threads)))

        def some(start: int) -> None:
            for item in items[start : start + size]:
                work(item)

        list(self._pool.map(some, range(0, len(items), size)))
