"""CSVs of boxes, a row each: `path,xmin,ymin,xmax,ymax,label` or as a header says; without one, a negative."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .box_columns import CORNERS, Rows, columns_of, rows_of, sides_of, tells_boxes
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import in_class_order
from .listing import ENDINGS, is_regular
from .open_images import names_of_codes
from .other_machine import told_apart, ways_here
from .photo_folders import photo_folders, split_folders
from .splits import SPLIT_WORDS, split_called

__all__ = ["fits", "read"]

_Box = tuple[str, list[float], bool]  # label, [x, y, w, h], whether it is a group or too difficult


@dataclass
class _Image:
    """What the rows of one picture say."""

    split: str = ""
    boxes: list[_Box] = field(default_factory=list)


def fits(path: Path) -> bool:
    """Whether this is a CSV whose first row names a box's sides, or a folder with such ones."""
    return bool(_tables(path))


def read(path: Path) -> BoxSet:
    """Every image that a row of any table names; paths are relative to the CSV's folder or to `images` in it."""
    files = _tables(path)
    if not files:
        raise DataError(f"{path}: is no CSV of boxes; it needs rows of path,xmin,ymin,xmax,ymax,label")
    root = path if path.is_dir() else path.parent
    images: dict[str, _Image] = {}
    missing = 0
    for file in files:
        own = _of_table(file, split_called([file.parent.name, file.stem]) if len(files) > 1 else "")
        folders = _folders(file)
        places = told_apart({name: place for name in own if (place := _place(file, name, folders)) is not None})
        missing += len(own) - len(places)
        for name, place in places.items():
            there = images.setdefault(os.path.relpath(place, root), _Image())
            there.split = own[name].split or there.split
            there.boxes += own[name].boxes
    called = names_of_codes(root, {label for image in images.values() for label, _, _ in image.boxes})
    for image in images.values():
        image.boxes = [(called.get(label, label), box, crowd) for label, box, crowd in image.boxes]
    classes = in_class_order(label for image in images.values() for label, _, _ in image.boxes)
    sides = [side for image in images.values() for _, box, _ in image.boxes for side in box if math.isfinite(side)]
    relative = bool(sides) and max(sides) <= 1 and any(0 < side < 1 for side in sides)
    rows = [(name, image.split, _boxes(image.boxes, classes, relative)) for name, image in images.items()]
    notes = ["all lie between 0 and 1: they are taken as fractions of their pictures' sides"] if relative else []
    return box_set(root, "boxes-csv", classes, rows, passed_over=missing, notes=notes)


def _tables(path: Path) -> list[Path]:
    """The tables of boxes: this one, those in a folder, or those in a folder a split."""
    if path.is_file():
        return [path] if path.suffix.lower() in (".csv", ".tsv") and tells_boxes(path) else []
    for pattern in ("*.[cCtT][sS][vV]", "*/*.[cCtT][sS][vV]"):
        if found := [file for file in sorted(path.glob(pattern)) if is_regular(file) and tells_boxes(file)]:
            return found
    return []


def _of_table(file: Path, split: str) -> dict[str, _Image]:
    rows, comma = rows_of(file)
    columns = columns_of(rows[0])
    images: dict[str, _Image] = {}
    for number, row in enumerate(rows[1:] if columns.header else rows, 1):
        name, box = _row(file, number, row, columns, comma=comma)
        image = images.setdefault(name, _Image())
        image.split = _split(file, row, columns.at) or split
        image.boxes += [box] if box else []
    return images


def _row(file: Path, number: int, row: list[str], columns: Rows, *, comma: bool) -> tuple[str, _Box | None]:
    """A row's path, and its box unless it is a negative's."""
    cells = {name: row[at].strip() if at < len(row) else "" for name, at in columns.at.items()}
    where = f"{file}: row {number} ({','.join(row)[:60]})"
    if not cells["path"]:
        raise DataError(f"{where} has no path")
    if not cells["label"] and not any(cells[name] for name in columns.sides):
        return cells["path"], None
    try:
        a, b, c, d = sides_of([cells[name] for name in columns.sides], comma=comma)
    except ValueError:
        raise DataError(f"{where} has a side that is no number") from None
    if not cells["label"]:
        raise DataError(f"{where} has a box and no label")
    crowd = cells.get("crowd", "").lower() in ("1", "true", "yes")
    if columns.sides == CORNERS:
        box = [a, b, c - a, d - b]
    else:
        box = [a - c / 2, b - d / 2, c, d] if columns.centred else [a, b, c, d]
    return cells["path"], (cells["label"], box, crowd)


def _split(file: Path, row: list[str], columns: Mapping[str, int]) -> str:
    at = columns.get("split", -1)
    word = row[at].strip().lower() if 0 <= at < len(row) else ""
    if word and word not in SPLIT_WORDS:
        raise DataError(f"{file}: split {word!r} is none of train, val and test")
    return SPLIT_WORDS.get(word, "")


def _folders(file: Path) -> list[str]:
    """Where under a table's folder its pictures may lie; of a split's table in a folder of that split."""
    own = split_folders(file.parent, split_called([file.stem]))
    named = [file.stem] if (file.parent / file.stem).is_dir() else []
    return list(dict.fromkeys(["", *own, *photo_folders(file.parent), *named]))


def _place(file: Path, name: str, folders: list[str]) -> Path | None:
    """Where an image lies under the CSV's folder, with its ending or without."""
    ways = [Path(folder, part) for part in ways_here(name) for folder in folders]
    if found := next((way for way in ways if is_regular(file.parent / way)), None):
        return file.parent / found
    if PureWindowsPath(name).suffix.lower() in SUFFIXES:
        return None
    found = next((Path(f"{way}{e}") for way in ways for e in ENDINGS if is_regular(file.parent / f"{way}{e}")), None)
    return file.parent / found if found else None


def _boxes(rows: Sequence[_Box], classes: Sequence[str], relative: bool) -> ImageBoxes:
    index = {name: c for c, name in enumerate(classes)}
    return ImageBoxes(
        np.array([box for _, box, _ in rows], np.float64).reshape(-1, 4),
        np.array([index[label] for label, _, _ in rows], np.int64),
        np.array([crowd for _, _, crowd in rows], bool),
        relative=relative,
    )
