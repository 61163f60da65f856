"""Class folders: `root/<class>/*.jpg`, or `root/<split>/<class>/*.jpg`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..images import SUFFIXES
from .imageset import ImageSet

__all__ = ["fits", "read"]

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def fits(path: Path) -> bool:
    """Whether this is a folder with folders in it."""
    return path.is_dir() and any(child.is_dir() for child in path.iterdir() if not child.name.startswith("."))


def read(path: Path) -> ImageSet:
    """The set under a folder; a class is every folder that is no split, images may lie in folders below it."""
    if not path.is_dir():
        raise DataError(f"{path}: is a file; class folders need a folder")
    tops = _folders(path)
    split_of = {top: _SPLIT_NAMES.get(top.lower(), "") for top in tops}
    is_split = bool(tops) and all(split_of.values())
    parts = [(split_of[top], path / top) for top in tops] if is_split else [("", path)]
    classes = tuple(sorted({name for _, part in parts for name in _folders(part)}))
    names: list[str] = []
    labels: list[int] = []
    splits: list[str] = []
    passed_over = 0
    for split, part in parts:
        for name in _folders(part):
            images, others = _images(part / name)
            passed_over += others
            names += [os.path.relpath(image, path) for image in images]
            labels += [classes.index(name)] * len(images)
            splits += [split] * len(images)
    if not names:
        raise DataError(
            f"{path}: has no images in class folders ({passed_over} other files); put photos in {path}/<class>/"
        )
    return ImageSet(
        str(path),
        "folders",
        classes,
        np.array(labels, np.int32),
        np.array(splits),
        names,
        passed_over=passed_over,
    )


def _folders(path: Path) -> list[str]:
    return sorted(child.name for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))


def _images(folder: Path) -> tuple[list[str], int]:
    found, others = [], 0
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in SUFFIXES:
                found.append(str(Path(where) / name))
            else:
                others += 1
    return found, others
