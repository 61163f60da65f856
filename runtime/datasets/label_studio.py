"""Label Studio's JSON export: a list of tasks, boxes in per cent of their picture."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import in_class_order
from .listing import is_regular, read_bytes

__all__ = ["fits", "read"]

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the name of an uploaded file
_Row = tuple[str, list[float]]  # label, [x, y, w, h] in fractions


def fits(path: Path) -> bool:
    """Whether this is such a JSON, or a folder with one."""
    return _file(path) is not None


def read(path: Path) -> BoxSet:
    """Every task whose picture lies beside the JSON or in `images`; a task that nobody answered is left out."""
    file = _file(path)
    if file is None:
        raise DataError(f"{path}: has no JSON of Label Studio's tasks")
    tasks = _tasks(file)
    found: list[tuple[str, list[_Row], tuple[int, int] | None]] = []
    without = 0
    for task in tasks:
        answered = _answer(file, task)
        if answered is None:
            continue
        place = _place(file, str(next(iter(task["data"].values()), "")))
        without += place is None
        if place is not None:
            found.append((str(place), *answered))
    classes = in_class_order(label for _, rows, _ in found for label, _ in rows)
    index = {name: c for c, name in enumerate(classes)}
    images = [
        (
            name,
            "",
            ImageBoxes(
                np.array([box for _, box in rows], np.float64).reshape(-1, 4),
                np.array([index[label] for label, _ in rows], np.int64),
                np.zeros(len(rows), bool),
                relative=True,
                size=size,
            ),
        )
        for name, rows, size in found
    ]
    return box_set(file.parent, "label-studio", classes, images, passed_over=without)


def _file(path: Path) -> Path | None:
    files = [path] if path.suffix.lower() == ".json" else sorted(path.glob("*.json")) if path.is_dir() else []
    return next((file for file in files if is_regular(file) and _looks_right(file)), None)


def _looks_right(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(65536)
    except OSError:
        return False
    return head.lstrip()[:1] == b"[" and b'"data"' in head and (b'"annotations"' in head or b'"completions"' in head)


def _tasks(file: Path) -> list[dict[str, Any]]:
    try:
        tasks = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no JSON that can be read ({error})") from None
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and isinstance(t.get("data"), dict) for t in tasks):
        raise DataError(f"{file}: needs a list of tasks with data and annotations")
    return tasks


def _answer(file: Path, task: dict[str, Any]) -> tuple[list[_Row], tuple[int, int] | None] | None:
    """The boxes of a task's last answer that was not cancelled, and the size of its picture."""
    answers = [a for a in task.get("annotations") or task.get("completions") or () if not a.get("was_cancelled")]
    if not answers:
        return None
    rows: list[_Row] = []
    size: tuple[int, int] | None = None
    try:
        for part in answers[-1].get("result", ()):
            value = part.get("value", {})
            labels = value.get("rectanglelabels")
            if not labels:
                continue
            sides = [float(value[name]) / 100 for name in ("x", "y", "width", "height")]
            rows.append((str(labels[0]), _upright(*sides, turned=float(value.get("rotation") or 0), part=part)))
            if isinstance(part.get("original_height"), int) and isinstance(part.get("original_width"), int):
                size = part["original_height"], part["original_width"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{file}: task {task.get('id', '?')} has a box that cannot be read ({error})") from None
    return rows, size


def _upright(x: float, y: float, w: float, h: float, *, turned: float, part: dict[str, Any]) -> list[float]:
    """The box around one that is turned about its upper left corner, which depends on the picture's proportions."""
    if not turned:
        return [x, y, w, h]
    ratio = float(part.get("original_width") or 1) / float(part.get("original_height") or 1)
    cos, sin = math.cos(math.radians(turned)), math.sin(math.radians(turned))
    corners = [(a * cos - b * sin / ratio, a * sin * ratio + b * cos) for a, b in ((0, 0), (w, 0), (0, h), (w, h))]
    xs, ys = [x + a for a, _ in corners], [y + b for _, b in corners]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _place(file: Path, source: str) -> Path | None:
    """Where a task's picture lies: Label Studio knows it by an address of its own."""
    parts = urlsplit(source)
    told = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]  # local files stand behind ?d=
    name = PurePosixPath(told).name
    for candidate in (told.lstrip("/"), name, _UPLOADED.sub("", name)):
        for folder in ("", "images"):
            if candidate and is_regular(file.parent / folder / candidate):
                return Path(folder, candidate)
    return None
