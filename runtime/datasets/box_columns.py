"""Which columns of a table name a picture, a class and a box's four sides."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .listing import first_line, read_text

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
    "crowd": ("isgroupof", "iscrowd", "crowd", "difficult", "isdifficult"),
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
    first = first_line(file)
    separator = _separator(first)
    try:
        cells = next(_reader([first], separator), [])
    except csv.Error:
        return False
    if columns_of(cells).header:
        return True
    comma = separator != ","
    return len(cells) >= 6 and all(_is_number(cell, comma) for cell in cells[1:5]) and not _is_number(cells[5], comma)


def rows_of(file: Path) -> tuple[list[list[str]], bool]:
    """All rows of a table in which something stands, and whether a comma in it is a number's."""
    lines = read_text(file).splitlines()
    separator = _separator(lines[0] if lines else "")
    try:
        return [row for row in _reader(lines, separator) if any(cell.strip() for cell in row)], separator != ","
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


def sides_of(cells: Sequence[str], *, comma: bool = False) -> list[float]:
    """Four numbers, maybe with decimal commas, of as many cells or of one that lists them; what is empty is none."""
    cells = cells[0].strip("[]() ").replace(",", " ").split() if len(cells) == 1 else cells
    if len(cells) != 4:
        raise ValueError("a box has four sides")
    return [_number(cell, comma) if cell else math.nan for cell in cells]


def _separator(first: str) -> str:
    return max((",", ";", "\t"), key=first.count)


def _reader(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _number(cell: str, comma: bool) -> float:
    return float(cell.replace(",", ".") if comma else cell)


def _is_number(cell: str, comma: bool) -> bool:
    try:
        _number(cell, comma)
    except ValueError:
        return False
    return True
