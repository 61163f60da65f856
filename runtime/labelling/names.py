"""Names that no other picture has, by stem too, as label files are called by it: neither of a source nor of before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pictures import Picture

__all__ = ["free_name", "named_apart", "numbered"]


def numbered(stem: str) -> Iterator[str]:
    """The stem, then with a 2, a 3 …"""
    yield stem
    again = 1
    while True:
        again += 1
        yield f"{stem}-{again}"


def free_name(stem: str, suffix: str, taken: set[str]) -> str:
    """The first of its names whose stem, in small letters, is not yet among the taken ones; it is then."""
    found = next(name for name in numbered(stem) if name.lower() not in taken)
    taken.add(found.lower())
    return found + suffix


def named_apart(
    pictures: Sequence[Picture], known: Iterable[str], is_same: Callable[[Picture, str], bool]
) -> tuple[Picture, ...]:
    """A source's pictures, those of them renamed whose name means another picture that is known from before.

    One that was renamed by an earlier start has that start's name again.
    """
    names = set(known)
    stems = {PurePath(name).stem.lower() for name in names}
    reserved = {PurePath(picture.name).stem.lower() for picture in pictures}
    given: set[str] = set()

    def name_of(picture: Picture) -> str:
        own = PurePath(picture.name)
        for stem in numbered(own.stem):
            low, name = stem.lower(), stem + own.suffix
            if low in given:
                continue
            if name in names:
                fits = is_same(picture, name)
            else:
                fits = low not in stems and (stem == own.stem or low not in reserved)
            if fits:
                given.add(low)
                return name
        raise AssertionError("numbers do not end")

    return tuple(replace(picture, name=name_of(picture)) for picture in pictures)
