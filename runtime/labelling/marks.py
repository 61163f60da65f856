"""What a person said of one picture: boxes with their classes, or what it shows as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..live.http.json_numbers import is_box

__all__ = ["Box", "Classes", "Done", "Marks", "checked_label", "marks_from"]

_MOST_BOXES = 5000
_LONGEST = 64
_LEAST = 1.0  # pixels a side


@dataclass(frozen=True)
class Box:
    """A thing and where it is."""

    label: str
    x: float
    y: float
    w: float
    h: float
    crowd: bool = False  # many of them, or one too hard to tell: counts neither way


@dataclass(frozen=True)
class Marks:
    """All of one picture, whose size they were drawn on."""

    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    label: str = ""  # of the whole picture
    done: bool = False  # somebody has looked at it and gone on

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        rows = [_row(box) for box in self.boxes]
        return {"width": self.width, "height": self.height, "boxes": rows, "label": self.label, "done": self.done}


Classes = Sequence[str]  # in the order of their numbers
Done = Mapping[str, Marks]  # by the picture's name, of those that somebody has gone on from


def checked_label(label: Any) -> str:
    """A class's name; anything that is no short text of one line is refused."""
    name = " ".join(label.split()) if isinstance(label, str) else ""
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise UsageError(f"a class has a name of 1 to {_LONGEST} letters, not {str(label)[:40]!r}")
    return name


def marks_from(said: Any, width: int, height: int) -> Marks:
    """Marks from JSON, for a picture of this size: boxes are clipped to it, those that nothing is left of go."""
    if not isinstance(said, Mapping) or not isinstance(said.get("boxes", []), list):
        raise UsageError('send a JSON object with "boxes", a list')
    rows = said.get("boxes", [])
    if len(rows) > _MOST_BOXES:
        raise UsageError(f"{len(rows)} boxes in one picture: up to {_MOST_BOXES} are kept")
    boxes = tuple(box for row in rows if (box := _box(row, width, height)) is not None)
    label = said.get("label") or ""
    return Marks(width, height, boxes, checked_label(label) if label else "", said.get("done") is True)


def _row(box: Box) -> dict[str, Any]:
    place = [round(value, 2) for value in (box.x, box.y, box.w, box.h)]
    return {"label": box.label, "box": place} | ({"crowd": True} if box.crowd else {})


def _box(row: Any, width: int, height: int) -> Box | None:
    box = row.get("box") if isinstance(row, Mapping) else None
    if not is_box(box):
        raise UsageError('a box is {"label": a text, "box": [x, y, width, height]}')
    x, y, w, h = map(float, box)
    left, top = min(max(x, 0.0), width), min(max(y, 0.0), height)
    right, bottom = min(max(x + w, 0.0), width), min(max(y + h, 0.0), height)
    if right - left < _LEAST or bottom - top < _LEAST:
        return None
    return Box(checked_label(row.get("label")), left, top, right - left, bottom - top, row.get("crowd") is True)
