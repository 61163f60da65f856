"""YOLO: a text file a picture, `class x y w h` in fractions, and the classes' names in data.yaml."""

from __future__ import annotations

import json
from pathlib import Path

from ..host.files import write_text
from .marks import Classes, Done, Marks

__all__ = ["place_of", "text_of", "write_names"]


def place_of(name: str) -> str:
    """Where a picture's text lies."""
    return f"labels/{Path(name).stem}.txt"


def text_of(name: str, marks: Marks, classes: Classes) -> str:  # noqa: ARG001
    """One picture's boxes; an empty file is a negative."""
    lines = []
    for box in marks.boxes:
        x, y = (box.x + box.w / 2) / marks.width, (box.y + box.h / 2) / marks.height
        w, h = box.w / marks.width, box.h / marks.height
        lines.append(f"{classes.index(box.label)} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n")
    return "".join(lines)


def write_names(place: Path, done: Done, classes: Classes) -> None:  # noqa: ARG001
    """The classes in their order; JSON's strings are YAML's too.

    No `path`: without one Ultralytics looks beside the file; `.` would be where it runs, or where its own sets are.
    """
    names = "".join(f"  {number}: {json.dumps(label, ensure_ascii=False)}\n" for number, label in enumerate(classes))
    write_text(place / "data.yaml", f"train: images\nval: images\nnames:\n{names}" if names else "names: {}\n")
