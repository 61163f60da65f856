"""Where class folders lie: at the top, or inside folders of splits, which a folder around them may hold."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .contents import Listing, holds_pictures, is_left_behind, listed
from .splits import SPLIT_WORDS, split_called

__all__ = ["ClassFolder", "class_folders", "folders_in"]

_UNLABELLED = frozenset(["pred", "prediction", "predictions", "unlabeled", "unlabelled"])


@dataclass(frozen=True)
class ClassFolder:
    """A folder that stands where classes do, and what lies below it."""

    split: str
    path: Path
    found: Listing

    @property
    def is_empty(self) -> bool:
        """Whether it holds no picture, nor a video."""
        return not (self.found.images or self.found.videos)

    @property
    def lying_in(self) -> set[str]:
        """The folders that its pictures and videos lie in."""
        return {os.path.dirname(file) for file in (*self.found.images, *self.found.videos)}  # noqa: PTH120

    @property
    def inner(self) -> list[str]:
        """What those are called, as far as they lie below it."""
        return sorted({os.path.basename(folder) for folder in self.lying_in - {str(self.path)}})  # noqa: PTH119


def class_folders(path: Path) -> tuple[list[ClassFolder], list[Path]]:
    """The folder of every class; and the folders beside those of splits that hold pictures and no classes.

    A folder that holds all others is looked into for splits; a split's folder may lie in one of its own name.
    """
    where = path
    while True:
        tops = _pictured(where)
        if parts := _parts(tops):
            beside = _beside(path, tops, parts)
            return [_listed(split, folder) for top, split in parts.items() for folder in _classes(top)], beside
        if len(tops) != 1 or tops[0].is_symlink():
            return [_listed("", folder) for folder in folders_in(path)], []
        where = tops[0]


def folders_in(path: Path) -> list[Path]:
    """The folders of people in a folder, in the alphabet's order."""
    try:
        children = [child for child in path.iterdir() if child.is_dir() and not is_left_behind(child.name)]
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror})") from None
    return sorted(children, key=lambda child: child.name)


def _listed(split: str, folder: Path) -> ClassFolder:
    return ClassFolder(split, folder, listed(str(folder)))


def _pictured(path: Path) -> list[Path]:
    return [folder for folder in folders_in(path) if holds_pictures(str(folder))]


def _parts(tops: Sequence[Path]) -> dict[Path, str]:
    """The folders of splits: those called so outright, and those whose names speak of one and that share classes.

    Where none is called so outright, every folder must speak of a split: `training shoes` beside `boots` is a class.
    """
    called = {top: split for top in tops if (split := split_called([top.name])) and _classes(top)}
    classes = {top: {folder.name for folder in _classes(top)} for top in called}
    alike = [top for top in called if any(classes[top] & classes[other] for other in called if other != top)]
    outright = [top for top in called if top.name.lower() in SPLIT_WORDS]
    speak = all(top in called or _is_unlabelled(top) for top in tops)
    if not outright and not (speak and len({called[top] for top in alike}) > 1):
        return {}
    return {top: split for top, split in called.items() if top in outright or top in alike}


def _classes(part: Path) -> list[Path]:
    """The class folders of a split's folder."""
    filled = _pictured(part)
    if len(filled) == 1 and filled[0].name.lower() == part.name.lower() and not filled[0].is_symlink():
        return _classes(filled[0])
    return folders_in(part) if filled else []


def _beside(path: Path, tops: Sequence[Path], parts: dict[Path, str]) -> list[Path]:
    """What lies beside the folders of splits: pictures without classes, or else that is refused."""
    others = [top for top in tops if top not in parts]
    if wrong := [top.name for top in others if not _is_unlabelled(top)]:
        raise DataError(
            f"{path}: has split folders ({', '.join(part.name for part in parts)}) and beside them images in"
            f" {', '.join(wrong)}: put every class inside the splits, or no splits"
        )
    return others


def _is_unlabelled(top: Path) -> bool:
    """Whether a folder's name says that its pictures are to be told, and no class folders tell them."""
    words = re.findall(r"[a-z]+", top.name.lower())
    return bool(split_called([top.name]) or _UNLABELLED.intersection(words)) and not _classes(top)
