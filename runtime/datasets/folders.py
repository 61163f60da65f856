"""Class folders: `root/<class>/*.jpg`, or `root/<split>/<class>/*.jpg`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .imageset import SPLIT_WORDS, ImageSet, in_class_order, legible

__all__ = ["fits", "read"]


def fits(path: Path) -> bool:
    """Whether this is a folder with folders in it."""
    return path.is_dir() and bool(_folders(path))


def read(path: Path) -> ImageSet:
    """The set under a folder; a class is every folder that is no split, images may lie in folders below it."""
    if not path.is_dir():
        raise DataError(f"{path}: is a file; class folders need a folder")
    names: list[str] = []
    labels: list[str] = []
    splits: list[str] = []
    passed_over = 0
    for split, folder in _class_folders(path):
        images, others = _images(folder)
        passed_over += others
        names += [os.path.relpath(image, path) for image in images]
        labels += [legible(folder.name)] * len(images)
        splits += [split] * len(images)
    if not names:
        raise DataError(
            f"{path}: has no images in class folders ({passed_over} other files); put photos in {path}/<class>/"
        )
    classes = in_class_order(legible(folder.name) for _, folder in _class_folders(path))
    index = {name: c for c, name in enumerate(classes)}
    return ImageSet(
        str(path),
        "folders",
        classes,
        np.array([index[label] for label in labels], np.int32),
        np.array(splits, "<U5"),
        names,
        passed_over=passed_over,
    )


def _class_folders(path: Path) -> Iterator[tuple[str, Path]]:
    """Split and folder of every class; split folders hold class folders, and nothing else may stand beside them."""
    tops = _folders(path)
    parts = [top for top in tops if top.name.lower() in SPLIT_WORDS and _folders(top)]
    if not parts:
        for top in tops:
            yield "", top
        return
    if others := [top.name for top in tops if top not in parts and _images(top)[0]]:
        raise DataError(
            f"{path}: has split folders ({', '.join(part.name for part in parts)}) and beside them images in"
            f" {', '.join(others)}: put every class inside the splits, or no splits"
        )
    for part in parts:
        for folder in _folders(part):
            yield SPLIT_WORDS[part.name.lower()], folder


def _folders(path: Path) -> list[Path]:
    try:
        found = [child for child in path.iterdir() if child.is_dir() and not child.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror})") from None
    return sorted(found, key=lambda child: child.name)


def _images(folder: Path) -> tuple[list[str], int]:
    found, others = [], 0
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith("."):  # noqa: PTH122 (a million)
                found.append(os.path.join(where, name))  # noqa: PTH118
            else:
                others += 1
    return found, others
