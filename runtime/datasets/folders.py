"""Class folders: `root/<class>/*.jpg`, or `root/<split>/<class>/*.jpg`, with whatever else people have in them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .clips import frames_of
from .contents import Listing, is_left_behind, listed
from .imageset import ImageSet, in_class_order, legible
from .splits import SPLIT_WORDS

__all__ = ["fits", "read", "read_first", "read_last"]

_NAMED = 4  # of a kind in a note


@dataclass(frozen=True)
class _Folder:
    """A folder that stands where classes do, and what lies below it."""

    split: str
    path: Path
    found: Listing


def fits(path: Path) -> bool:
    """Whether this is a folder with folders in it."""
    return path.is_dir() and bool(_folders(path))


def read(path: Path) -> ImageSet:
    """The set under a folder. A class is every folder that is no split; where sessions hold class folders of the same
    names, or one folder holds them all, a class is the last folder instead, and that is said."""
    tops = _tops(path)
    return _read(path, tops, last=_by_last(tops), asked=False)


def read_first(path: Path) -> ImageSet:
    """The set whose classes are the first folders, whatever is below them."""
    return _read(path, _tops(path), last=False, asked=True)


def read_last(path: Path) -> ImageSet:
    """The set whose classes are the folders that images lie in."""
    return _read(path, _tops(path), last=True, asked=True)


def _read(path: Path, tops: Sequence[_Folder], *, last: bool, asked: bool) -> ImageSet:
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
    classes = in_class_order(labels if last else [*labels, *(legible(top.path.name) for top in tops)])
    index = {name: c for c, name in enumerate(classes)}
    return ImageSet(
        str(path),
        "folders",
        classes,
        np.array([index[label] for label in labels], np.int32),
        np.array(splits, "<U5"),
        names,
        passed_over=len(others),
        notes=(*_level_note(tops, last=last, asked=asked), *_notes(path, tops, videos)),
        groups=groups if videos else None,
        elsewhere=elsewhere,
    )


def _label(file: str, top: _Folder, *, last: bool) -> str:
    return legible(os.path.basename(os.path.dirname(file)) if last else top.path.name)  # noqa: PTH119, PTH120


def _inner(top: _Folder) -> list[str]:
    """The folders that a top's pictures lie in, as far as they lie in none of its own."""
    files = (*top.found.images, *top.found.videos)
    folders = {os.path.dirname(file) for file in files} - {str(top.path)}  # noqa: PTH120
    return sorted({os.path.basename(folder) for folder in folders})  # noqa: PTH119


def _by_last(tops: Sequence[_Folder]) -> bool:
    """Whether the last folders are the classes: the first hold no pictures themselves, and are one, or repeat names."""
    filled = [top for top in tops if top.found.images or top.found.videos]
    if any(os.path.dirname(file) == str(top.path) for top in filled for file in top.found.images):  # noqa: PTH120
        return False
    for split in {top.split for top in filled}:
        own = [_inner(top) for top in filled if top.split == split]
        seen = Counter(name for inner in own for name in inner)
        if not (len(own) == 1 and len(seen) > 1) and max(seen.values(), default=0) < 2:
            return False
    return bool(filled)


def _level_note(tops: Sequence[_Folder], *, last: bool, asked: bool) -> tuple[str, ...]:
    inner = sorted({name for top in tops for name in _inner(top)})
    if asked or not inner:
        return ()
    if last:
        firsts = _some([top.path.name for top in tops])
        return (f"classes are the last folders ({_some(inner)}); --format folders-first takes the first ({firsts})",)
    return (f"classes are the first folders; --format folders-last takes the last ({_some(inner)})",)


def _notes(path: Path, tops: Sequence[_Folder], videos: dict[str, int]) -> Iterator[str]:
    """A line for each kind of thing that is no picture in a class folder."""
    left = [child.name for child in path.iterdir() if is_left_behind(child.name)]
    left += [os.path.basename(file) for top in tops for file in top.found.left_behind]  # noqa: PTH119
    loose = sorted(child.name for child in path.iterdir() if child.suffix.lower() in SUFFIXES and child.is_file())
    loose = [name for name in loose if not is_left_behind(name)]
    others = [os.path.relpath(file, path) for top in tops for file in top.found.others]
    taken = sum(videos.values())
    if good := [clip for clip, frames in videos.items() if frames]:
        yield f"{_count(good, 'video')}: {taken} frames of {_some(good)} are taken, and stay on one side of every split"
    if bad := [clip for clip, frames in videos.items() if not frames]:
        yield f"{_count(bad, 'video')} of which no frame can be decoded: {_some(bad)}"
    if others:
        yield f"{_count(others, 'file')} that show nothing: {_some(others)}"
    if left:
        yield f"{_count(left, 'thing')} that systems leave behind: {_some(_kinds(left))}"
    if loose:
        yield f"{_count(loose, 'picture')} in no class folder: {_some(loose)}"


def _kinds(names: Sequence[str]) -> list[str]:
    """Each name once, what macOS puts beside every file as one."""
    return sorted({"._*" if name.startswith("._") else name for name in names})


def _count(things: Sequence[object], one: str) -> str:
    return f"{len(things):,} {one}{'' if len(things) == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(legible(name) for name in names[:_NAMED])
    return shown + (f", … ({len(names):,})" if len(names) > _NAMED else "")


def _tops(path: Path) -> list[_Folder]:
    if not path.is_dir():
        raise DataError(f"{path}: is a file; class folders need a folder")
    return [_Folder(split, folder, listed(str(folder))) for split, folder in _class_folders(path)]


def _class_folders(path: Path) -> Iterator[tuple[str, Path]]:
    """Split and folder of every class; split folders hold class folders, and nothing else may stand beside them."""
    tops = _folders(path)
    parts = [top for top in tops if top.name.lower() in SPLIT_WORDS and _folders(top)]
    if not parts:
        for top in tops:
            yield "", top
        return
    if others := [top.name for top in tops if top not in parts and listed(str(top)).images]:
        raise DataError(
            f"{path}: has split folders ({', '.join(part.name for part in parts)}) and beside them images in"
            f" {', '.join(others)}: put every class inside the splits, or no splits"
        )
    for part in parts:
        for folder in _folders(part):
            yield SPLIT_WORDS[part.name.lower()], folder


def _folders(path: Path) -> list[Path]:
    try:
        children = [child for child in path.iterdir() if child.is_dir() and not is_left_behind(child.name)]
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror})") from None
    return sorted(children, key=lambda child: child.name)
