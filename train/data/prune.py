"""Old caches of decoded pictures make room for new ones."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

__all__ = ["prune"]

_MOST_BYTES = 20 << 30


def prune(cache: Path, used: list[Path], most_bytes: int = _MOST_BYTES) -> None:
    """Mark the stores that are used now, and remove the longest unused ones while all together are too large.

    A process that has a removed store mapped keeps its pictures: the file lives on until it is closed.
    """
    for folder in used:
        with contextlib.suppress(OSError):
            os.utime(folder)
    stores = sorted(cache.glob("pictures-*"), key=lambda folder: folder.stat().st_mtime)
    sizes = {folder: sum(file.stat().st_size for file in folder.iterdir()) for folder in stores}
    for folder in stores:
        if sum(sizes.values()) <= most_bytes:
            return
        if folder not in used:
            shutil.rmtree(folder, ignore_errors=True)
            sizes.pop(folder)
