"""Large activations stay in the process: glibc otherwise gives them back to the kernel at every step."""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_large_blocks"]

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


def keep_large_blocks() -> bool:
    """Tell glibc to keep freed memory for the next step; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_M_MMAP_MAX, 0) and libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
