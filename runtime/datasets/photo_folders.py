"""Where a set's pictures lie: in the folders that people and programs call so, and in those of a split."""

from __future__ import annotations

import os
from pathlib import Path

from .splits import split_called

__all__ = ["photo_folders", "split_folders"]

_CALLED = ("images", "jpegimages", "image", "img", "imgs", "photos", "pictures", "data")  # in any case


def photo_folders(root: Path) -> list[str]:
    """The folders of pictures in a set's folder, by their names; `images` comes first."""
    called = [name for name in _folders_in(root) if name.lower() in _CALLED]
    return sorted(called, key=lambda name: (_CALLED.index(name.lower()), name != name.lower()))


def split_folders(root: Path, split: str) -> list[str]:
    """The folders of one split, in a set's folder and in those of its pictures, relative to it."""
    found = [
        os.path.join(above, name)  # noqa: PTH118 (a path as text)
        for above in ("", *photo_folders(root))
        for name in _folders_in(root / above)
        if split and split_called([name]) == split
    ]
    return sorted(found, key=lambda name: name.lower() != split)


def _folders_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return []
