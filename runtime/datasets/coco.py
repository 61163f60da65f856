"""COCO: one JSON of images, annotations and categories, here or in `annotations/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .listing import is_regular, read_bytes

__all__ = ["fits", "read"]


def fits(path: Path) -> bool:
    """Whether this is a COCO JSON or a folder with some."""
    return bool(_listings(path))


def read(path: Path) -> BoxSet:
    """Every image of the listings; a `train`, `val` or `test` in a listing's name is its split."""
    listings = _listings(path)
    if not listings:
        raise DataError(f"{path}: has no COCO JSON (images, annotations, categories)")
    root = path if path.is_dir() else _image_root(path)
    classes: dict[int, str] = {}
    tables = [(file, _table(file)) for file in listings]
    for file, table in tables:
        try:
            classes |= {int(c["id"]): str(c.get("name", c["id"])) for c in table["categories"]}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"{file}: a category is not as COCO's are ({error})") from None
    index = {category: n for n, category in enumerate(sorted(classes))}
    images = [row for file, table in tables for row in _images(file, table, root, index)]
    return box_set(root, "coco", [classes[c] for c in sorted(classes)], images)


def _listings(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".json" and _looks_right(path) else []
    files = sorted([*path.glob("*.json"), *path.glob("annotations/*.json")]) if path.is_dir() else []
    named = [file for file in files if file.name.startswith("instances")] or files
    return [file for file in named if _looks_right(file)]


def _looks_right(file: Path) -> bool:
    """Whether a JSON's first or last part names COCO's tables: such a file may hold hundreds of megabytes."""
    if not is_regular(file):
        return False
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
            stream.seek(max(file.stat().st_size - 65536, 0))
            text = head + stream.read()
    except OSError:
        return False
    return any(key in text for key in (b'"annotations"', b'"categories"')) and head.lstrip()[:1] == b"{"


def _table(file: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        table = json.loads(read_bytes(file))
        return {key: list(table[key]) for key in ("images", "annotations", "categories")}
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no JSON that can be read ({error})") from None
    except (KeyError, TypeError):
        raise DataError(f"{file}: needs lists of images, annotations and categories") from None


def _images(
    file: Path, table: dict[str, list[dict[str, Any]]], root: Path, index: dict[int, int]
) -> list[tuple[str, str, ImageBoxes]]:
    split = next((s for s in ("train", "val", "test") if s in file.stem.lower()), "")
    rows: dict[Any, list[tuple[list[float], int, bool, float]]] = {}
    try:
        for a in table["annotations"]:
            box = [float(v) for v in a["bbox"]]
            if len(box) != 4:
                raise ValueError("a bbox needs four numbers")
            area = float(a.get("area", box[2] * box[3]))
            rows.setdefault(a["image_id"], []).append((box, index[int(a["category_id"])], bool(a.get("iscrowd")), area))
        folder = _folder_of(file, root, str(table["images"][0]["file_name"])) if table["images"] else ""
        return [
            (str(Path(folder) / str(image["file_name"])), split, _boxes(rows.get(image["id"], []), image))
            for image in table["images"]
        ]
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise DataError(f"{file}: an image or annotation is not as COCO's are ({error})") from None


def _boxes(rows: list[tuple[list[float], int, bool, float]], image: dict[str, Any]) -> ImageBoxes:
    said = image.get("height"), image.get("width")
    return ImageBoxes(
        np.array([box for box, _, _, _ in rows], np.float64).reshape(-1, 4),
        np.array([label for _, label, _, _ in rows], np.int64),
        np.array([crowd for _, _, crowd, _ in rows], bool),
        np.array([area for _, _, _, area in rows], np.float64),
        size=(said[0], said[1]) if isinstance(said[0], int) and isinstance(said[1], int) else None,
    )


def _image_root(file: Path) -> Path:
    return file.parent.parent if file.parent.name == "annotations" else file.parent


def _folder_of(file: Path, root: Path, name: str) -> str:
    """Where under the root the images of a listing lie, found by its first one."""
    stem = file.stem.removeprefix("instances_")
    for folder in ("", "images", stem, f"images/{stem}", "train", "val", "test", "train2017", "val2017"):
        if (root / folder / name).is_file():
            return folder
    return ""
