"""Things that are followed and looked at several times: each is announced once, by what its looks agreed on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ..recognitions import AGREED, LOOKS, Recognitions

__all__ = ["Appearances"]

MOST = 512  # things that are remembered; the one that is longest gone goes first
SETTLES_S = 1.0  # what has been looked at for so long without another look is not going to change

Key = tuple[int, int]  # a thing's number, and which of the rows inside it


@dataclass
class _Appearance:
    """One thing's answer so far."""

    name: str | None = None
    looks: int = 0
    since: float = 0.0  # when it last changed, seconds
    missed: int = 0  # frames in a row without it
    said: bool = False


class Appearances:
    """One source's followed things by what later steps say of them."""

    def __init__(self) -> None:
        self._things: OrderedDict[Key, _Appearance] = OrderedDict()

    def hear(
        self, seen: Recognitions, agree: tuple[int, int], background: Collection[str], moment_s: float
    ) -> list[str]:
        """What is to be announced with this frame: of things whose looks agree, and of those that have left."""
        needed, window = agree
        standing, due = set(self.standing(window)), []
        rows = _rows_of(seen)
        for key, row in rows.items():
            thing = self._things.setdefault(key, _Appearance())
            self._things.move_to_end(key)
            thing.missed = 0
            name, looks = seen.announced_as(row), int(seen.extra[LOOKS][row])
            if (name, looks) != (thing.name, thing.looks):
                thing.name, thing.looks, thing.since = None if name in background else name, looks, moment_s
            agreed = int(seen.extra[AGREED][row]) >= needed
            if agreed or moment_s - thing.since >= SETTLES_S:
                due += self._announced(thing, standing)
        for key in self._things.keys() - rows.keys():
            thing = self._things[key]
            thing.missed += 1
            if thing.missed == window:
                due += self._announced(thing, standing)
        while len(self._things) > MOST:
            self._things.popitem(last=False)
        return due

    def end(self, window: int) -> list[str]:
        """What is still to be announced, of things that nobody will look at any more."""
        standing = set(self.standing(window))
        return [name for thing in self._things.values() for name in self._announced(thing, standing)]

    def standing(self, window: int) -> list[str]:
        """What has been announced of things that are there."""
        return [thing.name for thing in self._things.values() if thing.said and thing.name and thing.missed < window]

    def _announced(self, thing: _Appearance, standing: set[str]) -> list[str]:
        """The name, unless this thing's was said, or another thing is there by that name."""
        if thing.said or thing.name is None:
            return []
        thing.said = True
        new = thing.name not in standing
        standing.add(thing.name)
        return [thing.name] if new else []


def _rows_of(seen: Recognitions) -> dict[Key, int]:
    """The voted rows of things that have a number."""
    found: dict[Key, int] = {}
    if LOOKS not in seen.extra or seen.parents is None or seen.track_ids is None:
        return found
    for row in np.flatnonzero(seen.extra[LOOKS] > 0).tolist():
        number = int(seen.track_ids[seen.parents[row]])
        found[number, sum(thing == number for thing, _ in found)] = row
    return found
