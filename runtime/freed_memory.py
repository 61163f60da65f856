"""Freed pictures stay in the process: glibc otherwise gives each back to the kernel, which clears it for the next."""

from __future__ import annotations

import ctypes

__all__ = ["keep_freed_pictures"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_PICTURE_BYTES = 32 * 1024 * 1024  # the largest block that glibc can take from its own heap
_KEPT_BYTES = 64 * 1024 * 1024


def keep_freed_pictures() -> bool:
    """Let up to 64 MB that were freed wait for the next frames; False where there is no glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _PICTURE_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))
