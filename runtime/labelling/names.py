"""Names that no other picture has, by stem too, as label files are called by it: neither of a source nor of before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath

from ..host.numbered import numbered

__all__ = ["free_name", "named_apart"]


def free_name(stem: str, suffix: str, taken: set[str]) -> str:
    """The first of its names whose stem, in small letters, is not yet among the taken ones; it is then."""
    found = next(name for name in numbered(stem) if name.lower() not in taken)
    taken.add(found.lower())
    return found + suffix


def named_apart(names: Sequence[str], known: Iterable[str], is_same: Callable[[int, str], bool]) -> list[str]:
    """A source's names, other ones in place of those that mean another picture, which is known from before.

    `is_same` says whether the source's picture of a number is the one that a known name means: what an earlier start
    renamed is called so again.
    """
    before = set(known)
    stems, own_stems = _stems(before), _stems(names)
    given: set[str] = set()

    def name_of(number: int, own: PurePath) -> str:
        for stem in numbered(own.stem):
            low, name = stem.lower(), stem + own.suffix
            if low in given:
                continue
            if name in before:
                fits = is_same(number, name)
            else:
                fits = low not in stems and (stem == own.stem or low not in own_stems)
            if fits:
                given.add(low)
                return name
        raise AssertionError("numbers do not end")

    return [name_of(number, PurePath(name)) for number, name in enumerate(names)]


def _stems(names: Iterable[str]) -> set[str]:
    return {PurePath(name).stem.lower() for name in names}
