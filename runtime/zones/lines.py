"""Counts what crosses a line, in which direction: once a crossing, however long a thing dithers on the line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from .geometry import beside, place_on, scaled
from .moment import Event, Moment
from .options import Line

__all__ = ["LineCounter"]

BAND = 0.12  # of a thing's size: how far beyond the line it must be to have crossed
LEAST_BAND = 3.0  # pixels
FORGET_S = 60.0  # a thing that is not seen for so long is forgotten


@dataclass
class _Side:
    """On which side a thing was last for certain, and where."""

    side: int  # -1 in, 1 out
    point: np.ndarray  # (2,)
    seen: float  # when it was last seen anywhere


class LineCounter:
    """Takes frames, says who has crossed, and keeps the counts by direction and label."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.counts: dict[str, Counter[str]] = {"in": Counter(), "out": Counter()}
        self._sides: dict[int, _Side] = {}
        self._now = 0.0

    def see(self, moment: Moment) -> list[Event]:
        """The crossings of a frame."""
        if moment.now < self._now:  # a clock that went back: what comes is new, and what was would never be forgotten
            self._sides = {}
        self._now = moment.now
        start, end = scaled((self.line.start, self.line.end), moment.size)
        off = beside(moment.points, start, end)
        band = np.maximum(BAND * moment.sizes, LEAST_BAND)
        events: list[Event] = []
        for i, number in enumerate(moment.numbers):
            before = self._sides.get(number)
            if before is not None:
                before.seen = moment.now
            if abs(off[i]) <= band[i]:
                continue
            side, point = 1 if off[i] > 0 else -1, moment.points[i]
            if before is not None and before.side != side and 0 <= place_on(before.point, point, start, end) <= 1:
                events.append(self._crossed(number, moment.labels[i], "in" if side < 0 else "out"))
            self._sides[number] = _Side(side, point, moment.now)
        self._sides = {n: side for n, side in self._sides.items() if moment.now - side.seen <= FORGET_S}
        return events

    def _crossed(self, number: int, label: str, direction: str) -> Event:
        self.counts[direction][label] += 1
        return {"kind": "crossed", "line": self.line.name, "direction": direction, "label": label, "track": number}
