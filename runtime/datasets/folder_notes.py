"""What is said of a folder of class folders: which level is the class, and what in it is no picture of one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..images.read import SUFFIXES
from .class_folders import ClassFolder
from .contents import VIDEOS, is_left_behind
from .imageset import legible

__all__ = ["notes_of"]

_NAMED = 4  # of a kind in a note


def notes_of(
    path: Path,
    tops: Sequence[ClassFolder],
    unlabelled: Sequence[Path],
    videos: Mapping[str, int],
    lost: Sequence[str],
    *,
    last: bool,
    asked: bool,
) -> tuple[str, ...]:
    """A line for each thing to say.

    `videos` is how many frames each gave, `lost` the folders called as splits that count as none, `asked` whether a
    level was asked for.
    """
    return (
        *_level(tops, last=last, asked=asked),
        *([f"folders that are called as splits and are none: {_some(lost)}"] if lost else []),
        *_beside_pictures(path, tops, videos),
        *_no_classes(path, tops, unlabelled),
    )


def _level(tops: Sequence[ClassFolder], *, last: bool, asked: bool) -> tuple[str, ...]:
    inner = sorted({name for top in tops for name in top.inner})
    if asked or not inner:
        return ()
    if last:
        firsts = _some([top.path.name for top in tops])
        return (f"classes are the last folders ({_some(inner)}); --format folders-first takes the first ({firsts})",)
    return (f"classes are the first folders; --format folders-last takes the last ({_some(inner)})",)


def _beside_pictures(path: Path, tops: Sequence[ClassFolder], videos: Mapping[str, int]) -> Iterator[str]:
    """A line for each kind of thing that is no picture in a class folder."""
    left = [child.name for child in path.iterdir() if is_left_behind(child.name)]
    left += [os.path.basename(file) for top in tops for file in top.found.left_behind]  # noqa: PTH119
    beside = sorted(child.name for child in path.iterdir() if child.is_file() and not is_left_behind(child.name))
    kinds = {"picture": SUFFIXES, "video": VIDEOS}
    loose = {kind: [n for n in beside if Path(n).suffix.lower() in endings] for kind, endings in kinds.items()}
    others = [name for name in beside if Path(name).suffix.lower() not in SUFFIXES | VIDEOS]
    others += [os.path.relpath(file, path) for top in tops for file in top.found.others]
    taken = sum(videos.values())
    if good := [clip for clip, frames in videos.items() if frames]:
        yield f"{_count(good, 'video')}: {taken} frames of {_some(good)} are taken, and stay on one side of every split"
    if bad := [clip for clip, frames in videos.items() if not frames]:
        yield f"{_count(bad, 'video')} of which no frame can be decoded: {_some(bad)}"
    if others:
        yield f"{_count(others, 'file')} without a picture: {_some(others)}"
    if left:
        yield f"{_count(left, 'thing')} that systems leave behind: {_some(_kinds(left))}"
    for kind, names in loose.items():
        if names:
            yield f"{_count(names, kind)} in no class folder: {_some(names)}"


def _no_classes(path: Path, tops: Sequence[ClassFolder], unlabelled: Sequence[Path]) -> Iterator[str]:
    """A line for each kind of folder that is no class."""
    runs = [os.path.relpath(folder, path) for top in tops for folder in top.found.runs]
    empty = [os.path.relpath(top.path, path) for top in tops if top.is_empty and not top.found.runs]
    if runs:
        yield f"{_count(runs, 'folder')} of trainings, passed over: {_some(runs)}"
    if empty:
        yield f"{_count(empty, 'folder')} without pictures, no class: {_some(empty)}"
    if unlabelled:
        others = _some([os.path.relpath(folder, path) for folder in unlabelled])
        yield f"{_count(unlabelled, 'folder')} of pictures without classes, passed over: {others}"


def _kinds(names: Sequence[str]) -> list[str]:
    """Each name once, what macOS puts beside every file as one."""
    return sorted({"._*" if name.startswith("._") else name for name in names})


def _count(things: Sequence[object], one: str) -> str:
    return f"{len(things):,} {one}{'' if len(things) == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(legible(name) for name in names[:_NAMED])
    return shown + (f", … ({len(names):,})" if len(names) > _NAMED else "")
