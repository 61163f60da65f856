"""Label Studio's JSON exports, whole and JSON-MIN: a list of tasks, shapes in per cent of their picture."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import in_class_order
from .listing import is_regular, read_bytes, starts_with
from .other_machine import ways_here
from .photo_folders import photo_folders
from .turned import around_ellipse, upright

__all__ = ["fits", "read"]

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the name of an uploaded file
_KINDS = ("rectanglelabels", "ellipselabels", "polygonlabels", "labels")
_WITHOUT = ("brushlabels", "keypointlabels")
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
    left_out: Counter[str] = Counter()
    folders = ["", *photo_folders(file.parent)]
    for task in tasks:
        answered = _answer(file, task, left_out)
        if answered is None:
            continue
        place = next(filter(None, (_place(file, str(value), folders) for value in task["data"].values())), None)
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
    notes = [f"{count:,} marks ({kind}) have no box around them, left out" for kind, count in left_out.items()]
    return box_set(file.parent, "label-studio", classes, images, passed_over=without, notes=notes)


def _file(path: Path) -> Path | None:
    files = (
        [path] if path.suffix.lower() == ".json" else sorted(path.glob("*.[jJ][sS][oO][nN]")) if path.is_dir() else []
    )
    return next((file for file in files if is_regular(file) and _looks_right(file)), None)


def _looks_right(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            head = stream.read(65536)
    except OSError:
        return False
    whole = b'"data"' in head and (b'"annotations"' in head or b'"completions"' in head)
    return starts_with(head, b"[") and (whole or any(b'"%s"' % kind.encode() in head for kind in _KINDS))


def _tasks(file: Path) -> list[dict[str, Any]]:
    try:
        tasks = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no JSON that can be read ({error})") from None
    if isinstance(tasks, list) and tasks and all(isinstance(t, dict) and "data" not in t for t in tasks):
        return [_whole(task) for task in tasks]
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and isinstance(t.get("data"), dict) for t in tasks):
        raise DataError(f"{file}: needs a list of tasks with data and annotations")
    return tasks


def _whole(task: dict[str, Any]) -> dict[str, Any]:
    """A task of JSON-MIN, whose texts are its data and whose lists are its marks, as the whole export has it."""
    marks = [mark for value in task.values() if isinstance(value, list) for mark in value if isinstance(mark, dict)]
    data = {key: value for key, value in task.items() if isinstance(value, str)}
    return {"id": task.get("id"), "data": data, "annotations": [{"result": [mark | {"value": mark} for mark in marks]}]}


def _answer(
    file: Path, task: dict[str, Any], left_out: Counter[str]
) -> tuple[list[_Row], tuple[int, int] | None] | None:
    """The boxes of a task's last answer that was not cancelled, and the size of its picture."""
    rows: list[_Row] = []
    size: tuple[int, int] | None = None
    try:
        answers = [a for a in task.get("annotations") or task.get("completions") or () if not a.get("was_cancelled")]
        if not answers:
            return None
        for part in answers[-1].get("result", ()):
            said = part.get("original_height"), part.get("original_width")
            if all(isinstance(side, int) and side > 0 for side in said):  # 0 of a picture that could not be shown
                size = said
            value = part.get("value", {})
            kind = next((kind for kind in (*_KINDS, *_WITHOUT) if value.get(kind)), None)
            if kind is None:
                continue
            box = _box(value, size or (1, 1))
            if box is None:
                left_out[kind] += 1
            else:
                rows.append((str(value[kind][0]), box))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{file}: task {task.get('id', '?')} has a box that cannot be read ({error})") from None
    return rows, size


def _box(value: Mapping[str, Any], size: tuple[int, int]) -> list[float] | None:
    """The box in fractions around a rectangle, which turns about its corner, an ellipse or a polygon."""
    height, width = size
    turned = float(value.get("rotation") or 0)
    if "points" in value:
        points = np.array(value["points"], np.float64) / 100
        low, high = points.min(axis=0), points.max(axis=0)
        return [*low.tolist(), *(high - low).tolist()]
    sides = ("radiusX", "radiusY") if "radiusX" in value else ("width", "height")
    if not all(side in value for side in sides):
        return None
    scale = np.array([width, height, width, height], np.float64)
    x, y, a, b = (np.array([value[name] for name in ("x", "y", *sides)], np.float64) / 100 * scale).tolist()
    around = around_ellipse((x, y), (a, b), turned) if "radiusX" in value else upright([x, y, a, b], turned, (x, y))
    return list((np.array(around) / scale).tolist())


def _place(file: Path, source: str, folders: list[str]) -> Path | None:
    """Where a task's picture lies: Label Studio knows it by an address of its own."""
    parts = urlsplit(source)
    told = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]  # local files stand behind ?d=
    ways = [way for each in (source, told) for way in ways_here(each.lstrip("/"))]
    for candidate in (*ways, _UPLOADED.sub("", PurePosixPath(told).name)):
        for folder in folders:
            if candidate and is_regular(file.parent / folder / candidate):
                return Path(folder, candidate)
    return None
