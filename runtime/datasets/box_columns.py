"""Which columns of a table name a picture, a class and a box's four sides."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .listing import read_text

__all__ = ["CORNERS", "Rows", "columns_of", "rows_of", "sides_of", "tells_boxes"]

_HEADERS = {
    "path": ("path", "filename", "file", "image", "imagepath", "imagename", "imageid", "img"),
    "label": ("label", "class", "classname", "labelname", "category", "name"),
    "x0": ("xmin", "x1", "left", "xtl"),
    "y0": ("ymin", "y1", "top", "ytl"),
    "x1": ("xmax", "x2", "right", "xbr"),
    "y1": ("ymax", "y2", "bottom", "ybr"),
    "x": ("x", "bboxx"),
    "y": ("y", "bboxy"),
    "cx": ("xcenter", "xcentre", "cx", "centerx"),
    "cy": ("ycenter", "ycentre", "cy", "centery"),
    "w": ("w", "bboxwidth", "boxwidth"),
    "h": ("h", "bboxheight", "boxheight"),
    "bbox": ("bbox", "box"),
    "split": ("split", "set", "subset"),
}
CORNERS = ("x0", "y0", "x1", "y1")
_SIDES = (CORNERS, ("x", "y", "w", "h"), ("cx", "cy", "w", "h"), ("bbox",))
_PLAIN = {"path": 0, "x0": 1, "y0": 2, "x1": 3, "y1": 4, "label": 5}  # without a header


@dataclass(frozen=True)
class Rows:
    """Where a table's columns are, and which of them are a box's sides."""

    at: Mapping[str, int]
    sides: tuple[str, ...]
    header: bool

    @property
    def centred(self) -> bool:
        """Whether a box's place is its middle's."""
        return self.sides[0] == "cx"


def tells_boxes(file: Path) -> bool:
    """Whether a table's first row names a box's sides, or is one box's row."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as stream:
            first = stream.readline()
    except OSError:
        return False
    try:
        cells = next(csv.reader([first], delimiter=_separator(first)), [])
    except csv.Error:
        return False
    if columns_of(cells).header:
        return True
    return len(cells) >= 6 and all(_is_number(cell) for cell in cells[1:5]) and not _is_number(cells[5])


def rows_of(file: Path) -> list[list[str]]:
    """All rows of a table in which something stands."""
    text = read_text(file)
    separator = _separator(text.partition("\n")[0])
    try:
        return [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{file}: could not be read ({error})") from None


def columns_of(first: Sequence[str]) -> Rows:
    """Where the columns are that the first row names; those of a table without a header where it names none."""
    header = [cell.strip().lower().replace("_", "").replace(" ", "") for cell in first]
    found = {
        name: next((header.index(word) for word in words if word in header), -1) for name, words in _HEADERS.items()
    }
    boxed = {"x", "y"} <= set(header) or found["cx"] >= 0  # then width and height are the box's, else the picture's
    if boxed and found["w"] < 0 and {"width", "height"} <= set(header):
        found |= {"w": header.index("width"), "h": header.index("height")}
    found = {name: column for name, column in found.items() if column >= 0}
    sides = next((names for names in _SIDES if set(names) <= set(found)), None)
    if sides is None or not {"path", "label"} <= set(found):
        return Rows(_PLAIN, CORNERS, False)
    return Rows(found, sides, True)


def sides_of(cells: Sequence[str]) -> list[float]:
    """Four numbers, of as many cells or of one that lists them; what is empty is not a number."""
    cells = cells[0].strip("[]() ").replace(",", " ").split() if len(cells) == 1 else cells
    if len(cells) != 4:
        raise ValueError("a box has four sides")
    return [float(cell) if cell else math.nan for cell in cells]


def _separator(first: str) -> str:
    return next((mark for mark in (",", ";", "\t") if mark in first), ",")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
