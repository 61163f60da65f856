"""Class folders: `root/<class>/*.jpg`, or `root/<split>/<class>/*.jpg`, with whatever else people have in them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from .class_folders import ClassFolder, class_folders, folders_in
from .clips import frames_of
from .folder_notes import notes_of
from .imageset import ImageSet, in_class_order, legible
from .splits import SPLIT_WORDS

__all__ = ["fits", "read", "read_first", "read_last"]


def fits(path: Path) -> bool:
    """Whether this is a folder with folders in it."""
    return path.is_dir() and bool(folders_in(path))


def read(path: Path) -> ImageSet:
    """The set under a folder. A class is every folder that is no split; where sessions hold class folders of the same
    names, or one folder holds them all, a class is the last folder instead, and that is said."""
    tops, unlabelled = _found(path)
    return _read(path, tops, unlabelled, last=_by_last(tops), asked=False)


def read_first(path: Path) -> ImageSet:
    """The set whose classes are the first folders, whatever is below them."""
    return _read(path, *_found(path), last=False, asked=True)


def read_last(path: Path) -> ImageSet:
    """The set whose classes are the folders that images lie in."""
    return _read(path, *_found(path), last=True, asked=True)


def _read(path: Path, tops: Sequence[ClassFolder], unlabelled: Sequence[Path], *, last: bool, asked: bool) -> ImageSet:
    names: list[str] = []
    labels: list[str] = []
    splits: list[str] = []
    groups: list[str] = []
    elsewhere: dict[str, str] = {}
    videos: dict[str, int] = {}
    for top in tops:
        for image in top.found.images:
            names.append(os.path.relpath(image, path))
            groups.append(os.path.splitext(names[-1])[0])  # noqa: PTH122 (a million)
            labels.append(_label(image, top, last=last))
        for video in top.found.videos:
            clip = os.path.relpath(video, path)
            frames = frames_of(Path(video))
            videos[clip] = len(frames)
            for number, file in frames.items():
                names.append(f"{clip}#{number:06d}")
                elsewhere[names[-1]] = str(file)
                groups.append(os.path.splitext(clip)[0])  # noqa: PTH122 (a phone's photo that moves is both)
                labels.append(_label(video, top, last=last))
        splits += [top.split] * (len(names) - len(splits))
    others = [file for top in tops for file in top.found.others]
    if not names:
        raise DataError(
            f"{path}: has no images in class folders ({len(others)} other files); put photos in {path}/<class>/"
        )
    classes = in_class_order(labels)
    index = {name: c for c, name in enumerate(classes)}
    lost = _lost_splits(tops, classes, last=last)
    if len(set(lost.values())) > 1 and not asked:
        raise DataError(
            f"{path}: has folders of splits ({', '.join(sorted(lost))}) and none of classes in them; put photos in"
            f" {path}/<split>/<class>/ (--format folders-first, if they are classes)"
        )
    return ImageSet(
        str(path),
        "folders",
        classes,
        np.array([index[label] for label in labels], np.int32),
        np.array(splits, "<U5"),
        names,
        passed_over=len(others),
        notes=notes_of(path, tops, unlabelled, videos, sorted(lost), last=last, asked=asked),
        groups=groups if videos else None,
        elsewhere=elsewhere,
    )


def _label(file: str, top: ClassFolder, *, last: bool) -> str:
    return legible(os.path.basename(os.path.dirname(file)) if last else top.path.name)  # noqa: PTH119, PTH120


def _by_last(tops: Sequence[ClassFolder]) -> bool:
    """Whether the last folders are the classes: the first hold no pictures themselves, and are one, or repeat names."""
    filled = [top for top in tops if not top.is_empty]
    if any(os.path.dirname(file) == str(top.path) for top in filled for file in top.found.images):  # noqa: PTH120
        return False
    for split in {top.split for top in filled}:
        own = [top.inner for top in filled if top.split == split]
        seen = Counter(name for inner in own for name in inner)
        if not (len(own) == 1 and len(seen) > 1) and max(seen.values(), default=0) < 2:
            return False
    return bool(filled)


def _lost_splits(tops: Sequence[ClassFolder], classes: Sequence[str], *, last: bool) -> dict[str, str]:
    """Folders that are called as splits are and are none, each with its split; among others `train` may be a class."""
    ways = [(top.path.name, *Path(os.path.relpath(folder, top.path)).parts) for top in tops for folder in top.lying_in]
    if not all(name.lower() in SPLIT_WORDS for name in classes):
        ways = [way[:-1] if last else way[1:] for way in ways]
    return {part: SPLIT_WORDS[part.lower()] for way in ways for part in way if part.lower() in SPLIT_WORDS}


def _found(path: Path) -> tuple[list[ClassFolder], list[Path]]:
    if not path.is_dir():
        raise DataError(f"{path}: is a file; class folders need a folder")
    return class_folders(path)
