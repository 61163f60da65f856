"""Old caches of decoded pictures, and of what networks made of them, make room for new ones."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

__all__ = ["mark_used", "prune"]

_MOST_BYTES = 20 << 30


def prune(cache: Path, used: list[Path], most_bytes: int = _MOST_BYTES) -> None:
    """Mark the stores that are used now, and remove the longest unused ones while all together are too large.

    A process that has a removed store mapped keeps its pictures: the file lives on until it is closed. Features are
    files beside the stores, whose time is that of their last use too. What another process takes away meanwhile is
    none of this one's.
    """
    for folder in used:
        mark_used(folder)
    kept = [*cache.glob("pictures-*"), *cache.glob("features-*.npz")]
    times = {place: _time(place) for place in kept}
    sizes = {place: _bytes(place) for place in kept}
    for place in sorted(kept, key=times.__getitem__):
        if sum(sizes.values()) <= most_bytes:
            return
        if place in used:
            continue
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
        sizes.pop(place)


def mark_used(place: Path) -> None:
    """Say of a folder or file of the cache that it is used now."""
    with contextlib.suppress(OSError):
        os.utime(place)


def _time(place: Path) -> float:
    """When it was last used; long ago where it is gone."""
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0


def _bytes(place: Path) -> int:
    """The size of a file, or of a folder's; none where it is gone."""
    try:
        return sum(map(_bytes, place.iterdir())) if place.is_dir() else place.lstat().st_size
    except OSError:
        return 0
