"""Large activations stay in the process: glibc otherwise gives them back to the kernel at every step."""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_large_blocks"]

_M_MXFAST, _M_TRIM_THRESHOLD, _M_MMAP_MAX = 1, -1, -4  # malloc.h


def keep_large_blocks() -> bool:
    """Tell glibc to keep freed memory for the next step; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # an aligned block leaves a splinter before it; kept in a fast bin it would part large free blocks for good
    return bool(mallopt(_M_MXFAST, 0) and mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
