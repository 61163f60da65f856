"""A CSV of boxes, a row each: `path,xmin,ymin,xmax,ymax,label` or as its header says; without one, a negative."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import SPLIT_WORDS, in_class_order
from .listing import is_regular, read_text

__all__ = ["fits", "read"]

_HEADERS = {
    "path": ("path", "filename", "file", "image", "imagepath", "imagename", "imageid", "img"),
    "label": ("label", "class", "classname", "labelname", "category", "name"),
    "x0": ("xmin", "x1", "left", "xtl"),
    "y0": ("ymin", "y1", "top", "ytl"),
    "x1": ("xmax", "x2", "right", "xbr"),
    "y1": ("ymax", "y2", "bottom", "ybr"),
    "x": ("x", "bboxx"),
    "y": ("y", "bboxy"),
    "w": ("w", "bboxwidth", "boxwidth"),
    "h": ("h", "bboxheight", "boxheight"),
    "split": ("split", "set", "subset"),
}
_PLAIN = {"path": 0, "x0": 1, "y0": 2, "x1": 3, "y1": 4, "label": 5}  # without a header
_CORNERS, _SIDES = ("x0", "y0", "x1", "y1"), ("x", "y", "w", "h")


def fits(path: Path) -> bool:
    """Whether this is a CSV whose first row names a box's sides, or a folder with such a one."""
    return _table(path) is not None


def read(path: Path) -> BoxSet:
    """Every image that a row names; paths are relative to the CSV's folder or to `images` in it."""
    file = _table(path)
    if file is None:
        raise DataError(f"{path}: is no CSV of boxes; it needs rows of path,xmin,ymin,xmax,ymax,label")
    rows = _rows(file)
    columns = _columns(rows[0])
    rows = rows[1:] if columns else rows
    columns = columns or _PLAIN
    boxes: dict[str, list[tuple[str, list[float]]]] = {}
    splits: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        name, label, box = _row(file, number, row, columns)
        own = boxes.setdefault(name, [])
        if label:
            own.append((label, box))
        splits[name] = _split(file, row, columns)
    classes = in_class_order(label for own in boxes.values() for label, _ in own)
    places = {name: _place(file, name) for name in boxes}
    there = [name for name in boxes if places[name]]
    images = [(str(places[name]), splits[name], _boxes(boxes[name], classes)) for name in there]
    return box_set(file.parent, "boxes-csv", classes, images, passed_over=len(boxes) - len(there))


def _table(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix.lower() in (".csv", ".tsv") and _is_of_boxes(path) else None
    return next((file for file in sorted(path.glob("*.csv")) if is_regular(file) and _is_of_boxes(file)), None)


def _is_of_boxes(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as stream:
            first = stream.readline()
    except OSError:
        return False
    cells = next(csv.reader([first], delimiter=_separator(first)), [])
    if _columns(cells):
        return True
    return len(cells) >= 6 and all(_is_number(cell) for cell in cells[1:5]) and not _is_number(cells[5])


def _rows(file: Path) -> list[list[str]]:
    text = read_text(file)
    separator = _separator(text.partition("\n")[0])
    try:
        return [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{file}: could not be read ({error})") from None


def _separator(first: str) -> str:
    return next((mark for mark in (",", ";", "\t") if mark in first), ",")


def _columns(first: Sequence[str]) -> dict[str, int]:
    """Where the columns are that the first row names; none where it does not name a box's sides."""
    header = [cell.strip().lower().replace("_", "").replace(" ", "") for cell in first]
    found = {
        name: next((header.index(word) for word in words if word in header), -1) for name, words in _HEADERS.items()
    }
    if "x" in header and "w" not in header and {"width", "height"} <= set(header):  # x,y,width,height are the box's
        found |= {"w": header.index("width"), "h": header.index("height")}
    found = {name: column for name, column in found.items() if column >= 0}
    sides = set(_CORNERS) <= set(found) or set(_SIDES) <= set(found)
    return found if sides and {"path", "label"} <= set(found) else {}


def _row(file: Path, number: int, row: list[str], columns: Mapping[str, int]) -> tuple[str, str, list[float]]:
    """A row's path, label and box x, y, w, h; the label is empty where the row is a negative's."""
    corners = set(_CORNERS) <= set(columns)
    names = _CORNERS if corners else _SIDES
    cells = {name: row[at].strip() if at < len(row) else "" for name, at in columns.items()}
    if not cells["path"]:
        raise DataError(f"{file}: row {number} ({','.join(row)[:60]}) has no path")
    if not cells["label"] and not any(cells[name] for name in names):
        return cells["path"], "", []
    try:
        a, b, c, d = (float(cells[name]) if cells[name] else math.nan for name in names)
    except ValueError:
        raise DataError(f"{file}: row {number} ({','.join(row)[:60]}) has a side that is no number") from None
    if not cells["label"]:
        raise DataError(f"{file}: row {number} ({','.join(row)[:60]}) has a box and no label")
    return cells["path"], cells["label"], [a, b, c - a, d - b] if corners else [a, b, c, d]


def _split(file: Path, row: list[str], columns: Mapping[str, int]) -> str:
    at = columns.get("split", -1)
    word = row[at].strip().lower() if 0 <= at < len(row) else ""
    if word and word not in SPLIT_WORDS:
        raise DataError(f"{file}: split {word!r} is none of train, val and test")
    return SPLIT_WORDS.get(word, "")


def _place(file: Path, name: str) -> Path | None:
    """Where an image lies under the CSV's folder."""
    plain = PureWindowsPath(name).as_posix() if "\\" in name else name
    for candidate in (Path(plain), Path("images", plain), Path(Path(plain).name), Path("images", Path(plain).name)):
        if is_regular(file.parent / candidate):
            return candidate
    return None


def _boxes(rows: list[tuple[str, list[float]]], classes: Sequence[str]) -> ImageBoxes:
    index = {name: c for c, name in enumerate(classes)}
    return ImageBoxes(
        np.array([box for _, box in rows], np.float64).reshape(-1, 4),
        np.array([index[label] for label, _ in rows], np.int64),
        np.zeros(len(rows), bool),
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
