"""What later steps said of followed things: a step of `every: track` takes some good looks, which vote, and no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..recognitions import AGREED, LOOKS, Recognitions
from .carried import carried
from .look import Look, Voter
from .options import TrackOptions

__all__ = ["TrackMemory"]

_USUAL = TrackOptions()
MOST = 512  # things that are remembered, more of them only while they are in sight; the longest gone goes first
GROWN = 1.3  # a thing whose box has so many times the area of before can be seen better than then
AGREE = 3  # looks that say the same are enough
DOUBTED = 3  # as long as they do not, so many times the looks are taken
AGAIN_S = 1.0  # who is unknown after all looks is looked at once more
BACK = 5  # times as long as it is waited for where it is expected, a lost thing is known again by its look


@dataclass
class _Thing:
    """One thing's looks by one step, and what they said when they voted last."""

    network: Network
    label: int
    looks: list[Look] = field(default_factory=list)  # those that vote
    taken: int = 0
    area: float = 0.0  # of the largest box that was looked at
    seen_at: float = 0.0  # seconds
    answer: Recognitions | None = None
    edition: object = None

    def said(self, voter: Voter) -> Recognitions:
        """The looks' answer, with what is taught by now."""
        if self.answer is None or self.edition != voter.edition:
            self.edition = voter.edition
            self.answer = voter.vote(self.looks)
        return self.answer

    def likeness(self, vector: NDArray[np.float32]) -> float:
        """The cosine of one more look with all of these; -1 where they are no vectors."""
        known = [look.vector for look in self.looks if look.vector is not None and look.vector.shape == vector.shape]
        mean = np.sum(known, axis=0) if known else -vector
        return float(mean @ vector) / max(float(np.linalg.norm(mean)), 1e-9)


class TrackMemory:
    """Looks at one source's things, by step and number; `now` is the frame's time in seconds."""

    def __init__(self, options: TrackOptions = _USUAL) -> None:
        self.options, self.now = options, 0.0
        self.back: dict[int, int] = {}  # new numbers of this frame that are lost things', and what those had
        self._things: dict[tuple[str, int], _Thing] = {}
        self._since: dict[int, float] = {}  # when the numbers that are there came up

    def begin(self, now: float) -> None:
        """Take up the next frame."""
        self.now, self.back = now, {}

    def forget(self, numbers: Collection[int]) -> None:
        """These things have left for good."""
        for key in [key for key in self._things if key[1] in numbers] if numbers else ():
            del self._things[key]

    def recall(self, step: str, things: Recognitions, voter: Voter) -> dict[int, Recognitions]:
        """The rows of `things` that need no look now, each with what the step said of it, moved along with it."""
        known, there = {}, _numbers(things)
        self._since = {number: self._since.get(number, self.now) for number in there if number > 0}
        for row, number in enumerate(there):
            thing = self._things.get((step, number)) if number > 0 else None
            if thing is None or not self._is_same(thing, things, row, voter):
                continue
            self._things[step, number] = self._things.pop((step, number))
            thing.seen_at = self.now
            answer = thing.said(voter)
            if not self._is_due(thing, answer, things.places[row]):
                known[row] = carried(answer, thing.looks[-1].box, things.places[row])
        return known

    def keep(self, step: str, things: Recognitions, row: int, look: Look, *, voter: Voter) -> Recognitions:
        """What the step says of a row, after one more look at it."""
        number = _numbers(things)[row]
        if number <= 0:
            return _of_looks(voter.vote([look]), 0)
        thing = self._things.pop((step, number), None)
        if thing is None or not self._is_same(thing, things, row, voter):
            thing = _Thing(voter.network, int(things.ids[row]))
            if self._since.get(number) == self.now and (lost := self._lost(step, things, row, look, voter)):
                self.back[number] = lost
                number, thing = lost, self._things.pop((step, lost))
        thing.looks = _best([*thing.looks, look], self.options.track_looks)
        thing.taken += 1
        thing.area = max(thing.area, _area(look.box))
        thing.answer, thing.seen_at = None, self.now
        self._things[step, number] = thing
        while len(self._things) > MOST and self._things[oldest := next(iter(self._things))].seen_at != self.now:
            del self._things[oldest]
        return thing.said(voter)

    def _lost(self, step: str, things: Recognitions, row: int, look: Look, voter: Voter) -> int:
        """The number of the thing out of sight that looks like a new one; 0 where none does, or nobody can say."""
        if look.vector is None:
            return 0
        there, patience = {*_numbers(things), *self.back.values()}, BACK * self.options.track_keep
        lost = [
            (thing.likeness(look.vector), number)
            for (of, number), thing in self._things.items()
            if of == step and number not in there and self.now - thing.seen_at <= patience
            if self._is_same(thing, things, row, voter)
        ]
        likeness, number = max(lost, default=(-1.0, 0))
        return number if lost and likeness >= voter.limit(len(lost)) else 0

    def _is_same(self, thing: _Thing, things: Recognitions, row: int, voter: Voter) -> bool:
        """Whether what was looked at is still called so, by the same network, on a clock that went on."""
        return thing.network is voter.network and thing.label == int(things.ids[row]) and self.now >= thing.looks[-1].at

    def _is_due(self, thing: _Thing, answer: Recognitions, box: NDArray[np.float32]) -> bool:
        """Whether another look may tell more: they are few, the thing came nearer, or nobody knows it yet."""
        waited = self.now - thing.looks[-1].at
        if waited < self.options.track_look_every:
            return False
        few = self.options.track_looks
        if thing.taken < few or _area(box) >= GROWN * thing.area:
            return True
        if thing.taken < DOUBTED * few and _agreed(answer) < min(AGREE, few):
            return True
        return waited >= AGAIN_S and (not len(answer) or any(answer.called(row) is None for row in range(len(answer))))


def _best(looks: Sequence[Look], most: int) -> list[Look]:
    """The clearest of them and the newest, which knows where the thing is, in the order of their times."""
    if len(looks) <= most:
        return list(looks)
    out = min(looks[:-1], key=lambda look: look.clearness)
    return [look for look in looks if look is not out]


def _agreed(answer: Recognitions) -> int:
    """How many looks said the same by themselves."""
    return int(answer.extra[AGREED].min()) if len(answer) and AGREED in answer.extra else 0


def _of_looks(seen: Recognitions, count: int) -> Recognitions:
    return replace(seen, extra={**seen.extra, LOOKS: np.full(len(seen), count, np.int32)})


def _numbers(things: Recognitions) -> list[int]:
    return [-1] * len(things) if things.track_ids is None else things.track_ids.tolist()


def _area(box: NDArray[np.float32]) -> float:
    return float(box[2:].prod())
