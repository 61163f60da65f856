"""LabelMe's own files, X-AnyLabeling's too: a JSON a picture, whose shapes are taken by the boxes around them."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .boxset import BoxSet, ImageBoxes, box_set
from .contents import is_left_behind
from .imageset import in_class_order
from .listing import ENDINGS, ends_of, is_regular, read_bytes, starts_with, walked
from .other_machine import ways_here
from .photo_folders import photo_folders
from .splits import split_called

__all__ = ["fits", "read"]

_Shape = tuple[str, list[float], bool]  # label, [x, y, w, h], difficult
_LOOKED_AT = 20
_WITHOUT = ("point", "line", "linestrip", "points")


def fits(path: Path) -> bool:
    """Whether one of the first JSONs below a folder is LabelMe's."""
    return path.is_dir() and any(map(_looks_right, islice(_files(path), _LOOKED_AT)))


def read(path: Path) -> BoxSet:
    """Every picture that has a JSON, found beside it, by the path in it or in the set's folder of pictures."""
    files = [file for file in _files(path) if _looks_right(file)] if path.is_dir() else []
    if not files:
        raise DataError(f"{path}: has no JSON of LabelMe's")
    photos = [path / name for name in photo_folders(path)]
    left_out: Counter[str] = Counter()
    found: dict[str, tuple[list[_Shape], tuple[int, int] | None]] = {}
    without = 0
    for file in files:
        table = _table(file)
        place = _place(file, str(table.get("imagePath") or ""), photos)
        without += place is None
        if place is not None:
            found[os.path.relpath(place, path)] = _shapes(file, table, left_out), _size(table)
    classes = in_class_order(label for shapes, _ in found.values() for label, _, _ in shapes)
    index = {name: c for c, name in enumerate(classes)}
    images = [
        (
            name,
            split_called(Path(name).parts[:-1]),
            ImageBoxes(
                np.array([box for _, box, _ in shapes], np.float64).reshape(-1, 4),
                np.array([index[label] for label, _, _ in shapes], np.int64),
                np.array([difficult for _, _, difficult in shapes], bool),
                size=size,
            ),
        )
        for name, (shapes, size) in sorted(found.items())
    ]
    notes = [f"{count:,} of LabelMe's {kind}s have no box around them, left out" for kind, count in left_out.items()]
    return box_set(path, "labelme", classes, images, passed_over=without, notes=notes)


def _files(path: Path) -> Iterator[Path]:
    """Every JSON below a folder."""
    for where, folders, files in walked(path):
        folders[:] = sorted(name for name in folders if not is_left_behind(name))
        for name in sorted(files):
            if name.lower().endswith(".json") and not is_left_behind(name):
                yield Path(where, name)


def _looks_right(file: Path) -> bool:
    """Whether a JSON's first or last part names what LabelMe's have: the picture's own data may lie between them."""
    head, tail = ends_of(file, 4096)
    return starts_with(head, b"{") and all(key in head + tail for key in (b'"shapes"', b'"imageHeight"'))


def _table(file: Path) -> dict[str, Any]:
    try:
        table = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no JSON that can be read ({error})") from None
    if not isinstance(table, dict) or not isinstance(table.get("shapes"), list):
        raise DataError(f"{file}: needs a list of shapes, as LabelMe writes it")
    return table


def _shapes(file: Path, table: Mapping[str, Any], left_out: Counter[str]) -> list[_Shape]:
    """The boxes around a picture's shapes; a shape that has none is counted."""
    shapes: list[_Shape] = []
    try:
        for shape in table["shapes"]:
            label, kind = str(shape["label"]).strip(), str(shape.get("shape_type") or "polygon")
            if kind in _WITHOUT or not label:
                left_out[kind if label else f"unnamed {kind}"] += 1
                continue
            difficult = bool(shape.get("difficult") or (shape.get("flags") or {}).get("difficult"))
            shapes.append((label, _around(kind, np.array(shape["points"], np.float64).reshape(-1, 2)), difficult))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{file}: shape {len(shapes) + 1} cannot be read ({error})") from None
    return shapes


def _around(kind: str, points: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """x, y, w, h around corners in any order; of a circle its middle and a point of its edge are told."""
    if kind == "circle":
        (x, y), (edge_x, edge_y) = points.tolist()
        radius = math.hypot(edge_x - x, edge_y - y)
        return [x - radius, y - radius, 2 * radius, 2 * radius]
    low, high = points.min(axis=0), points.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def _size(table: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = table.get("imageHeight"), table.get("imageWidth")
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _place(file: Path, told: str, photos: list[Path]) -> Path | None:
    """Where a JSON's picture lies: by the path in it, else the picture of the JSON's own name."""
    folders = [file.parent, *photos]
    ways = [folder / way for way in ways_here(told) for folder in folders]
    ways += [folder / f"{file.stem}{ending}" for folder in folders for ending in ENDINGS]
    found = next((way for way in ways if way.suffix.lower() in SUFFIXES and is_regular(way)), None)
    return Path(os.path.normpath(found)) if found else None
