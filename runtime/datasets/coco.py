"""COCO: one JSON of images, annotations and categories, here, in `annotations/`, or in a folder a split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .listing import ends_of, is_regular, read_bytes, starts_with
from .other_machine import told_apart, ways_here
from .photo_folders import photo_folders, split_folders
from .splits import SPLITS, split_called

__all__ = ["fits", "read"]

_Table = dict[str, list[dict[str, Any]]]
_Row = tuple[list[float], int, bool, float]  # [x, y, w, h], class, crowd, area

_JSON = "*.[jJ][sS][oO][nN]"


def fits(path: Path) -> bool:
    """Whether this is a COCO JSON or a folder with some."""
    return bool(_listings(path))


def read(path: Path) -> BoxSet:
    """Every image of the listings that is there; a `train`, `val` or `test` in a listing's name is its split."""
    listings = _listings(path)
    if not listings:
        raise DataError(f"{path}: has no COCO JSON (images, annotations, categories)")
    root = path if path.is_dir() else _image_root(path)
    tables = [(file, _table(file)) for file in listings]
    classes, indexes = _classes(tables)
    lost: Counter[str] = Counter()
    images = [
        row
        for (file, table), index in zip(tables, indexes, strict=True)
        for row in _images(file, table, root, index, lost)
    ]
    missing = lost.pop("pictures", 0)
    notes = [f"{count:,} {what}" for what, count in lost.items()]
    return box_set(root, "coco", classes, images, passed_over=missing, notes=notes)


def _listings(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" and _looks_right(path) else []
    for pattern in (_JSON, f"[aA]nnotations/{_JSON}", f"*/{_JSON}"):  # the last as Roboflow writes it, a folder a split
        files = sorted(path.glob(pattern)) if path.is_dir() else []
        named = [file for file in files if file.name.startswith("instances")] or files
        if found := [file for file in named if _looks_right(file)]:
            return found
    return []


def _looks_right(file: Path) -> bool:
    """Whether a JSON's first or last part names COCO's tables."""
    head, tail = ends_of(file, 65536)
    return any(key in head + tail for key in (b'"annotations"', b'"categories"')) and starts_with(head, b"{")


def _table(file: Path) -> _Table:
    try:
        table = json.loads(read_bytes(file))
        return {key: list(table[key]) for key in ("images", "annotations", "categories")}
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no JSON that can be read ({error})") from None
    except (KeyError, TypeError):
        raise DataError(f"{file}: needs lists of images, annotations and categories") from None


def _classes(tables: list[tuple[Path, _Table]]) -> tuple[list[str], list[dict[int, int]]]:
    """The names in the order of their ids, each once, and for each listing the place among them of its own ids."""
    own: list[dict[int, str]] = []
    above: set[str] = set()  # what is only the kind of others, which Roboflow lists as a category of its own
    used: set[str] = set()
    for file, table in tables:
        try:
            names = {int(c["id"]): str(c.get("name", c["id"])) for c in table["categories"]}
            kinds = {(str(c.get("supercategory")), str(c.get("name"))) for c in table["categories"]}
            above |= {kind for kind, name in kinds if kind != name}  # COCO's persons are of the kind person
            used |= {names[a["category_id"]] for a in table["annotations"] if a.get("category_id") in names}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"{file}: a category is not as COCO's are ({error})") from None
        own.append(names)
    in_order = sorted((pair for names in own for pair in names.items()), key=itemgetter(0))
    classes = list(dict.fromkeys(name for _, name in in_order if name in used or name not in above))
    index = {name: place for place, name in enumerate(classes)}
    return classes, [{c: index[name] for c, name in names.items() if name in index} for names in own]


def _images(
    file: Path, table: _Table, root: Path, index: Mapping[int, int], lost: Counter[str]
) -> list[tuple[str, str, ImageBoxes]]:
    folder = file.parent.relative_to(root).parts if file.is_relative_to(root) else ()
    split = split_called([*folder, file.stem])
    rows: dict[Any, list[_Row]] = {}
    folders = _folders(file, root)
    try:
        for annotation in table["annotations"]:
            row = _row(annotation, index)
            if isinstance(row, str):
                lost[row] += 1
            else:
                rows.setdefault(annotation["image_id"], []).append(row)
        listed = [(str(image["file_name"]), _boxes(rows.pop(image["id"], []), image)) for image in table["images"]]
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise DataError(f"{file}: an image or annotation is not as COCO's are ({error})") from None
    if orphans := sum(map(len, rows.values())):
        lost["annotations of pictures that are not listed, left out"] += orphans
    places = told_apart({name: place for name, _ in listed if (place := _place(root, folders, name))})
    lost["pictures"] += sum(name not in places for name, _ in listed)
    return [(places[name], split, boxes) for name, boxes in listed if name in places]


def _row(annotation: Mapping[str, Any], index: Mapping[int, int]) -> _Row | str:
    """An annotation's box, around its polygons where it has no other; or why it has none."""
    category = int(annotation["category_id"])
    if category not in index:
        return "annotations of a category that is not listed, left out"
    box = [float(v) for v in annotation.get("bbox") or ()]
    shape = annotation.get("segmentation")
    if not box and isinstance(shape, list) and shape:
        points = np.concatenate([np.array(part, np.float64).reshape(-1, 2) for part in shape])
        if len(points):
            low, high = points.min(axis=0), points.max(axis=0)
            box = [*low.tolist(), *(high - low).tolist()]
    if not box:
        return "annotations without a box, left out"
    if len(box) != 4:
        raise ValueError("a bbox needs four numbers")
    area = annotation.get("area")
    return (
        box,
        index[category],
        bool(annotation.get("iscrowd")),
        float(area if area is not None else box[2] * box[3]),
    )


def _boxes(rows: list[_Row], image: Mapping[str, Any]) -> ImageBoxes:
    said = image.get("height"), image.get("width")
    return ImageBoxes(
        np.array([box for box, _, _, _ in rows], np.float64).reshape(-1, 4),
        np.array([label for _, label, _, _ in rows], np.int64),
        np.array([crowd for _, _, crowd, _ in rows], bool),
        np.array([area for _, _, _, area in rows], np.float64),
        size=(said[0], said[1]) if isinstance(said[0], int) and isinstance(said[1], int) else None,
    )


def _image_root(file: Path) -> Path:
    return file.parent.parent if file.parent.name.lower() == "annotations" else file.parent


def _folders(file: Path, root: Path) -> list[str]:
    """Where under the root the images of a listing may lie; the one that served last comes first."""
    stem = file.stem.removeprefix("instances_")
    beside = str(file.parent.relative_to(root)) if file.is_relative_to(root) else ""
    split = split_called([stem])
    photos = photo_folders(root)
    own = [*(f"{folder}/{stem}" for folder in photos), *split_folders(root, split)]  # first: names come twice
    others = [folder for other in SPLITS for folder in split_folders(root, other)]
    return list(dict.fromkeys([beside, "", *photos, stem, *own, *others]))


def _place(root: Path, folders: list[str], name: str) -> str:
    """Where an image lies under the root, by its name or the end of it; nothing where it is not there."""
    for candidate in ways_here(name):
        for at, folder in enumerate(folders):
            if is_regular(root / folder / candidate):
                folders.insert(0, folders.pop(at))
                return str(Path(folder) / candidate)
    return ""
