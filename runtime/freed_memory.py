"""Freed pictures stay in the process: glibc otherwise gives each back to the kernel, which clears it for the next.

What lies unused between blocks that are in use would pile up over weeks, in a heap of its own for every thread: that
goes back once a minute, in less than a millisecond.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

__all__ = ["gaps_given_back", "keep_freed_pictures"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_PICTURE_BYTES = 32 * 1024 * 1024  # the largest block that glibc can take from its own heap
_KEPT_BYTES = 64 * 1024 * 1024


def keep_freed_pictures() -> bool:
    """Let up to 64 MB that were freed wait for the next frames; False where there is no glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _PICTURE_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))


@contextlib.contextmanager
def gaps_given_back(every_s: float = 60.0) -> Iterator[None]:
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
    return bool(trim is not None and trim(_KEPT_BYTES))
