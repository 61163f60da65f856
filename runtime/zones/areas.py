"""Who is in a zone, since when, and who stays too long."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import inside, passed_at, scaled
from .moment import Event, Moment
from .options import Zone

__all__ = ["ZoneWatch"]

SURE_S = 0.2  # a thing must be in, or out, for so long to have come or gone
SHOWN_S = 1.0  # what was seen in a zone so lately is still there


@dataclass
class _Visit:
    """A thing that is in the zone, or may be."""

    label: str
    since: float  # when it came in
    inside: float  # when it was last inside
    seen: float  # when it was last seen anywhere
    entered: bool = False
    told: bool = False  # that it loiters


class ZoneWatch:
    """Takes frames, says who came, left and loiters, and keeps how many came and how long they stayed."""

    def __init__(self, zone: Zone, loiter_s: float | None = None, hidden_s: float = 2.0) -> None:
        self.zone, self._loiter_s, self._hidden_s = zone, loiter_s, hidden_s
        self.entries: Counter[str] = Counter()
        self.dwell_s: defaultdict[str, float] = defaultdict(float)  # of the visits that are over
        self._visits: dict[int, _Visit] = {}
        self._last: dict[
            int, tuple[float, NDArray[np.float64], bool]
        ] = {}  # when and where each was, and whether inside
        self._now = 0.0

    def see(self, moment: Moment) -> list[Event]:
        """What happened in a frame."""
        gone: list[Event] = []
        if moment.now < self._now:  # a clock that went back: what comes is new
            gone, self._visits, self._last = self.close(), {}, {}
        self._now = moment.now
        corners = scaled(self.zone.points, moment.size)
        within = inside(moment.points, corners)
        for i, (number, label, is_in) in enumerate(zip(moment.numbers, moment.labels, within.tolist(), strict=True)):
            passed = self._passed(number, moment.points[i], is_in, corners)
            self._last[number] = (moment.now, moment.points[i], is_in)
            visit = self._visits.get(number)
            if visit is None and is_in:
                self._visits[number] = visit = _Visit(label, passed, moment.now, moment.now)
            if visit is not None:
                visit.seen, visit.label = moment.now, label
                visit.inside = moment.now if is_in else max(visit.inside, passed)
        self._last = {n: last for n, last in self._last.items() if moment.now - last[0] <= self._hidden_s}
        return gone + [event for number in list(self._visits) for event in self._news(number)]

    @property
    def occupancy(self) -> Counter[str]:
        """How many of each label are inside."""
        there = (v.label for v in self._visits.values() if v.entered and self._now - v.inside <= SHOWN_S)
        return Counter(there)

    @property
    def loitering(self) -> int:
        """How many have been inside too long."""
        return sum(visit.told for visit in self._visits.values())

    def close(self) -> list[Event]:
        """Nobody sees any more who is there: everybody has left."""
        return [self._left(number) for number, visit in list(self._visits.items()) if visit.entered]

    def _passed(self, number: int, point: NDArray[np.float64], is_in: bool, corners: NDArray[np.float64]) -> float:
        """When a thing came in or went out, somewhere between the last frame that shows it and this one."""
        before = self._last.get(number)
        if before is None or before[2] == is_in:
            return self._now if is_in else 0.0
        then, place, _ = before
        share = passed_at(place, point, corners) if is_in else 1 - passed_at(point, place, corners)
        return then + share * (self._now - then)

    def _news(self, number: int) -> list[Event]:
        """What has become certain of one thing."""
        visit, events = self._visits[number], []
        if not visit.entered and visit.inside - visit.since >= SURE_S:
            visit.entered = True
            self.entries[visit.label] += 1
            events.append(self._event("entered", number, visit))
        stayed = visit.inside - visit.since
        if visit.entered and self._loiter_s is not None and not visit.told and stayed >= self._loiter_s:
            visit.told = True
            events.append({**self._event("loitering", number, visit), "dwell_s": round(stayed, 3)})
        out_s, unseen_s = visit.seen - visit.inside, self._now - visit.seen
        if out_s >= SURE_S or unseen_s > self._hidden_s:
            events += [self._left(number)] if visit.entered else []
            self._visits.pop(number, None)
        return events

    def _left(self, number: int) -> Event:
        visit = self._visits.pop(number)
        stayed = visit.inside - visit.since
        self.dwell_s[visit.label] += stayed
        return {**self._event("left", number, visit), "dwell_s": round(stayed, 3)}

    def _event(self, kind: str, number: int, visit: _Visit) -> Event:
        return {"kind": kind, "zone": self.zone.name, "label": visit.label, "track": number}
