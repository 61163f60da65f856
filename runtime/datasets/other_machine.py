"""Paths that another machine wrote down: what of them is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

__all__ = ["told_apart", "ways_here"]

Place = TypeVar("Place")

_LONGEST, _DEEPEST = 4096, 32  # characters of a path, and folders of it that may be here; a picture's data is no path
_TWO = ["/"]  # stands for folders of two pictures: no path has such a part


def ways_here(name: str) -> Iterator[str]:
    r"""A path as it is written, then with ever less of its front, each with its ending in the other case too.

    Of `C:\set\cam1\1.JPG` the first that is here may be `cam1/1.jpg`, the last is `1.jpg`.
    """
    if len(name) > _LONGEST:
        return
    plain, parts = name.replace("\\", "/"), _parts(name)[-_DEEPEST:]
    ways = [name, plain, *("/".join(parts[at:]) for at in range(len(parts)))]
    yield from dict.fromkeys(each for way in ways for each in (way, _other_case(way)))


def told_apart(places: Mapping[str, Place]) -> dict[str, Place]:
    """Where each path's file is, but of paths that end in one file and mean two: nothing says which of them is here."""
    meant: dict[Place, list[str]] = {}
    for name in sorted(places, key=lambda name: len(_parts(name))):
        folders = _parts(name)[:-1]
        before = meant.setdefault(places[name], folders)
        if before != folders[len(folders) - len(before) :]:
            meant[places[name]] = _TWO
        elif before is not _TWO:
            meant[places[name]] = folders
    return {name: place for name, place in places.items() if meant[place] is not _TWO}


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def _other_case(way: str) -> str:
    ending = PurePosixPath(way).suffix
    return way[: len(way) - len(ending)] + (ending.upper() if ending.islower() else ending.lower()) if ending else way
