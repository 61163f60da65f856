"""YOLO: one text file an image, `class x y w h` in fractions; class names in data.yaml, names.txt or classes.txt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import MOST_CLASSES
from .listing import read_text
from .yolo_yaml import read_yaml

__all__ = ["fits", "read"]

_LISTS = ("names.txt", "classes.txt", "obj.names", "labels.txt")
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def fits(path: Path) -> bool:
    """Whether a folder, or the one that a .yaml stands in, holds `labels` with text files."""
    if path.suffix in (".yaml", ".yml"):
        return path.is_file()
    return path.is_dir() and any(_label_folders(path))


def read(path: Path) -> BoxSet:
    """Every image; one without a label file has no objects. Polygons are taken by their bounding boxes."""
    root = path.parent if path.is_file() else path
    names = _class_names(path)
    images: list[tuple[str, str, ImageBoxes]] = []
    without = 0
    for labels, photos in _label_folders(root):
        split = next((_SPLITS[p.lower()] for p in reversed(labels.relative_to(root).parts) if p.lower() in _SPLITS), "")
        files = {file.stem: file for file in sorted(photos.iterdir()) if file.suffix.lower() in SUFFIXES}
        texts = {file.stem: file for file in labels.glob("*.txt") if file.name not in _LISTS}
        without += len(texts.keys() - files.keys())
        images += [(os.path.relpath(files[stem], root), split, _boxes(texts.get(stem))) for stem in files]
    if not images:
        raise DataError(f"{path}: has no images beside YOLO labels (images/ and labels/); {without} labels without one")
    top = max((int(boxes.labels.max(initial=-1)) for _, _, boxes in images), default=-1)
    if names and top >= len(names):
        raise DataError(f"{root}: a label file names class {top}, and there are names for {len(names)} classes")
    return box_set(root, "yolo", names or [str(c) for c in range(top + 1)], images, passed_over=without)


def _label_folders(root: Path) -> Iterator[tuple[Path, Path]]:
    """Folders of labels with the folder of their images: `labels/x` and `images/x`, or `x/labels` and `x/images`."""
    for where, folders, files in os.walk(root):
        folders.sort()
        folder = Path(where)
        parts = folder.relative_to(root).parts
        if "labels" in parts and any(name.endswith(".txt") for name in files):
            place = len(parts) - 1 - parts[::-1].index("labels")
            photos = root.joinpath(*parts[:place], "images", *parts[place + 1 :])
            if photos.is_dir():
                yield folder, photos


def _class_names(path: Path) -> list[str]:
    root = path.parent if path.is_file() else path
    listed = [path] if path.is_file() else sorted([*root.glob("*.yaml"), *root.glob("*.yml")])
    for file in listed:
        if names := read_yaml(file):
            return names
    for name in _LISTS:
        if (root / name).is_file():
            return [line.strip() for line in read_text(root / name).splitlines() if line.strip()]
    return []


def _boxes(file: Path | None) -> ImageBoxes:
    rows: list[tuple[int, list[float]]] = []
    try:
        lines = read_text(file).splitlines() if file is not None else []
        for line in lines:
            words = line.split()
            if not words:
                continue
            label, values = int(float(words[0])), [float(word) for word in words[1:]]
            if not 0 <= label < MOST_CLASSES or len(values) < 4 or (len(values) > 5 and len(values) % 2):
                raise ValueError(f"{line.strip()!r} is no class and box")
            rows.append((label, _corner_box(values)))
    except (OSError, ValueError, OverflowError) as error:
        raise DataError(f"{file}: is no YOLO label file ({error})") from None
    boxes = np.array([box for _, box in rows], np.float64).reshape(-1, 4)
    labels = np.array([label for label, _ in rows], np.int64)
    return ImageBoxes(boxes, labels, np.zeros(len(rows), bool), relative=True)


def _corner_box(values: list[float]) -> list[float]:
    """x, y, w, h of the upper left corner, from a centred box (a fifth number is a score) or a polygon."""
    if len(values) <= 5:
        x, y, w, h = values[:4]
        return [x - w / 2, y - h / 2, w, h]
    xs, ys = values[0::2], values[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
