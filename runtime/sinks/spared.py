"""What is read is not written over: where a sink writes, held against the sources of the run."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..images.read import SUFFIXES

__all__ = ["spare_folder", "spare_sources"]


def spare_sources(option: str, path: str, sources: Sequence[str]) -> None:
    """Refuse a file that is one of those that are read."""
    place = Path(path).resolve()
    if not place.exists():
        return
    for source in sources:
        inside = any(place.is_relative_to(folder) for folder in _folders(source)) and place.suffix.lower() in SUFFIXES
        if inside or place in _files(source):
            raise UsageError(f"{option} {path}: would write over what is read; name another file")


def spare_folder(option: str, path: str, sources: Sequence[str]) -> None:
    """Refuse a folder where pictures lie that are read, or are read along with them."""
    place = Path(path).resolve()
    if not place.exists():
        return
    for source in sources:
        inside = any(place.is_relative_to(folder) for folder in _folders(source))
        if inside or any(file.parent == place for file in _files(source)):
            raise UsageError(f"{option} {path}: would write over what is read there; name another folder")


def _asked(source: str) -> Path:
    return Path(source.partition(" #")[0])  # a second one of the same name has a number


def _folders(source: str) -> list[Path]:
    place = _asked(source)
    return [place.resolve()] if place.is_dir() else []


def _files(source: str) -> list[Path]:
    place = _asked(source)
    if place.is_file():
        return [place.resolve()]
    if "://" in source or place.is_dir() or not glob.has_magic(str(place)):
        return []
    return [Path(each).resolve() for each in glob.iglob(str(place), recursive=True)]  # noqa: PTH207 (may be absolute)
