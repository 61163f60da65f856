"""YOLO: one text file an image, `class x y w h` in fractions; class names in data.yaml, names.txt or classes.txt."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import MOST_CLASSES
from .listing import is_regular, read_text
from .yolo_places import LISTS, label_of, lies_in, of_folders, of_yaml
from .yolo_yaml import YoloYaml, read_yaml

__all__ = ["fits", "read"]


def fits(path: Path) -> bool:
    """Whether this is a .yaml, or a folder whose pictures have labels as YOLO's."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return path.is_file()
    return path.is_dir() and (lies_in(path) or _says_where(path))


def read(path: Path) -> BoxSet:
    """Every image; one without a label file has no objects. Polygons are taken by their bounding boxes."""
    root = path.parent if path.is_file() else path
    file, said = next(((file, said) for file, said in _yamls(path) if said.names or said.places), (root, YoloYaml()))
    pictures, notes = of_yaml(file, said)
    without: list[Path] = []
    if not pictures:
        pictures, without = of_folders(root)
    else:
        without = of_folders(root)[1] if file.parent == root else []
    if not pictures:
        told = f" ({'; '.join(notes)})" if notes else ""
        raise DataError(
            f"{path}: has no images beside YOLO labels (images/ and labels/); {len(without)} labels without one{told}"
        )
    names = list(said.names) or _listed_names(root, [label_of(Path(next(iter(pictures)))).parent])
    images = [
        (os.path.relpath(picture, root), split, _boxes(label_of(Path(picture)), said.keypoints))
        for picture, split in sorted(pictures.items())
    ]
    top = max((int(boxes.labels.max(initial=-1)) for _, _, boxes in images), default=-1)
    if names and top >= len(names):
        raise DataError(f"{root}: a label file names class {top}, and there are names for {len(names)} classes")
    classes = names or [str(c) for c in range(top + 1)]
    return box_set(root, "yolo", classes, images, passed_over=len(without), notes=notes)


def _says_where(path: Path) -> bool:
    """Whether a folder has a data.yaml whose pictures lie elsewhere."""
    try:
        return any(said.places and said.names for _, said in _yamls(path))
    except DataError:  # some other program's
        return False


def _yamls(path: Path) -> list[tuple[Path, YoloYaml]]:
    files = [path] if path.is_file() else sorted([*path.glob("*.[yY][aA][mM][lL]"), *path.glob("*.[yY][mM][lL]")])
    return [(file, read_yaml(file)) for file in files]


def _listed_names(root: Path, others: list[Path]) -> list[str]:
    """The class names of a list, one a line, in the set's folder or among its labels."""
    for folder in (root, root / "labels", *others):
        for name in LISTS:
            ways = [folder / name, (folder / name).with_suffix(".TXT"), folder / name.upper()]
            if file := next(filter(is_regular, ways), None):
                return [line.strip() for line in read_text(file).splitlines() if line.strip()]
    return []


def _boxes(file: Path, keypoints: bool) -> ImageBoxes:
    rows: list[tuple[int, list[float]]] = []
    try:
        for line in read_text(file).splitlines() if file.exists() else ():
            words = line.split()
            if not words:
                continue
            label, values = float(words[0]), [float(word) for word in words[1:]]
            values = values[:4] if keypoints or _is_tracked(words[1:]) else values
            wrong = len(values) < 4 or (len(values) > 5 and len(values) % 2)
            if wrong or not label.is_integer() or not 0 <= label < MOST_CLASSES:
                raise ValueError(f"{line.strip()!r} is no class and box")
            rows.append((int(label), _corner_box(values)))
    except (OSError, ValueError, OverflowError) as error:
        raise DataError(f"{file}: is no YOLO label file ({error})") from None
    boxes = np.array([box for _, box in rows], np.float64).reshape(-1, 4)
    labels = np.array([label for label, _ in rows], np.int64)
    return ImageBoxes(boxes, labels, np.zeros(len(rows), bool), relative=True)


def _is_tracked(words: list[str]) -> bool:
    """Whether a box, its score and the number of a track are written, and not the corners of a triangle."""
    return len(words) == 6 and (words[5] == "1" or float(words[5]) >= 2)


def _corner_box(values: list[float]) -> list[float]:
    """x, y, w, h of the upper left corner, from a centred box (a fifth number is a score) or a polygon."""
    if len(values) <= 5:
        x, y, w, h = values[:4]
        return [x - w / 2, y - h / 2, w, h]
    xs, ys = values[0::2], values[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
