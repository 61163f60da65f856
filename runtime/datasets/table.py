"""A CSV of path,label (and optionally split)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..errors import DataError
from .imageset import ImageSet

__all__ = ["fits", "read"]


def fits(path: Path) -> bool:
    """Whether this is a .csv file."""
    return path.is_file() and path.suffix.lower() == ".csv"


def read(path: Path) -> ImageSet:
    """The set a CSV lists; paths are relative to the CSV's folder."""
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: could not be read ({error})") from None
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    columns = {"path": 0, "label": 1, "split": 2}
    if "path" in header and "label" in header:
        columns = {name: header.index(name) for name in columns if name in header}
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path}: lists no images; it needs rows of path,label")
    for number, row in enumerate(rows, 1):
        if len(row) <= max(columns["path"], columns["label"]):
            raise DataError(f"{path}: row {number} has {len(row)} cells; it needs path,label")
    labels = [row[columns["label"]].strip() for row in rows]
    classes = tuple(sorted(set(labels)))
    index = {name: i for i, name in enumerate(classes)}
    split_at = columns.get("split", len(header) or 3)
    splits = np.array([row[split_at].strip() if len(row) > split_at else "" for row in rows])
    names = [row[columns["path"]].strip() for row in rows]
    return ImageSet(
        str(path.parent),
        "csv",
        classes,
        np.array([index[label] for label in labels], np.int32),
        splits,
        names,
    )
