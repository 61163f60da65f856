"""Freed pictures stay in the process: glibc otherwise gives each back to the kernel, which clears it for the next.

What was needed only once, when threads were held up and pictures waited, would stay for weeks: what lies unused goes
back every other second, in about a millisecond. All threads share one heap: with one for each, as glibc has it, the
room that each of them ever took at its busiest adds up.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

__all__ = ["gaps_given_back", "keep_freed_pictures", "share_one_heap"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_PICTURE_BYTES = 32 * 1024 * 1024  # the largest block that glibc can take from its own heap
_KEPT_BYTES = 64 * 1024 * 1024
_SPARE_BYTES = 2 * 1024 * 1024  # that is left for the next frames


def share_one_heap() -> bool:
    """Let threads that start from now on use the heap of the first; False where there is no glibc."""
    return _set(_M_ARENA_MAX, 1)


def keep_freed_pictures() -> bool:
    """Let up to 64 MB that were freed wait for the next frames; False where there is no glibc."""
    return _set(_M_MMAP_THRESHOLD, _PICTURE_BYTES) and _set(_M_TRIM_THRESHOLD, _KEPT_BYTES)


@contextlib.contextmanager
def gaps_given_back(every_s: float = 2.0) -> Iterator[None]:
    """A thread gives the kernel back what is unused inside the heaps, as long as this is entered."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(every_s):
            give_back_gaps()

    thread = threading.Thread(target=work, name="edgelens-memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def give_back_gaps() -> bool:
    """Do it once; False where there is no glibc or nothing to give back."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim is not None and trim(_SPARE_BYTES))


def _set(parameter: int, value: int) -> bool:
    """Set a number of glibc's allocator; False where there is none."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt is not None and mallopt(parameter, value))
