"""Pictures with the text that stands in each: a table of file,text, or the folder that holds one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import DataError
from . import table
from .imageset import ImageSet
from .listing import is_regular

__all__ = ["holds_texts", "load_texts"]

_NAMES = (
    "labels.csv",
    "labels.tsv",
    "labels.txt",
    "rec_gt.txt",
    "gt.txt",
)  # the usual table first
_KINDS = (".csv", ".tsv", ".txt")


def load_texts(where: str | Path, *, format: str | None = None) -> ImageSet:  # noqa: A002 (the option's name)
    """The pictures of a table or of the folder around it; a picture's class is its text."""
    if format not in (None, "csv"):
        raise DataError(f"--format {format}: texts are read from csv alone: a table of file,text")
    path = Path(where)
    if path.is_dir():
        path = _table_in(path)
    elif not is_regular(path):
        raise DataError(f"{where}: no such file or folder")
    elif path.suffix.lower() not in _KINDS:
        raise DataError(f"{where}: is no table of file,text; give a .csv, or the folder that holds it as labels.csv")
    found = table.read(path, texts=True)
    empty = int((found.labels == found.classes.index("")).sum()) if "" in found.classes else 0
    return replace(found, notes=(*found.notes, f"pictures without a text: {empty:,}")) if empty else found


def holds_texts(path: Path) -> bool:
    """Whether this is a table, or a folder with one, whose header says that its pictures have texts."""
    tables = [path / name for name in _NAMES] if path.is_dir() else [path]
    return any(is_regular(each) and each.suffix.lower() in _KINDS and table.names_texts(each) for each in tables)


def _table_in(folder: Path) -> Path:
    """The one table of a folder."""
    for name in _NAMES:
        if is_regular(folder / name):
            return folder / name
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and is_regular(path))
    if len(tables) == 1:
        return tables[0]
    there = f"has {len(tables)} tables ({', '.join(path.name for path in tables[:3])})" if tables else "has no table"
    raise DataError(
        f"{folder}: {there}; what is written in its pictures is told by a labels.csv of file,text beside them"
        " (folders name classes, not texts)"
    )
