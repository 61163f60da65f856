"""A CSV of path,label, or the folder of the pictures that it lists."""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError
from . import table
from .class_folders import folders_in
from .contents import holds_pictures
from .imageset import ImageSet
from .listing import is_regular
from .splits import split_called

__all__ = ["fits", "read", "tables_in"]

_KINDS = (".csv", ".tsv")


def fits(path: Path) -> bool:
    """Whether this is a .csv or .tsv file, or a folder with one for its pictures, which lie in no class folders."""
    if path.is_file():
        return path.suffix.lower() in _KINDS
    return path.is_dir() and len(_of_pictures(path)) == 1 and not _has_class_folders(path)


def read(path: Path) -> ImageSet:
    """The set that the table lists."""
    if not path.is_dir():
        return table.read(path)
    tables = _of_pictures(path)
    if len(tables) != 1:
        there = ", ".join(file.name for file in tables) if tables else "none"
        raise DataError(f"{path}: one table of path,label must list its pictures, there are: {there}; name a table")
    return table.read(tables[0])


def tables_in(folder: Path) -> list[Path]:
    """The .csv and .tsv files in a folder."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _KINDS and is_regular(file))


def _of_pictures(folder: Path) -> list[Path]:
    return [file for file in tables_in(folder) if table.lists_pictures(file)]


def _has_class_folders(path: Path) -> bool:
    """Whether pictures lie in several folders that are not those of splits, or in folders of one."""
    filled = [folder for folder in folders_in(path) if holds_pictures(str(folder))]
    several = len(filled) > 1 and not all(split_called([folder.name]) for folder in filled)
    return several or any(holds_pictures(str(inner)) for folder in filled for inner in folders_in(folder))
