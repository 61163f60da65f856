"""The things that are followed, as arrays side by side: row i of each is one thing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .covered import uncovered
from .motion_model import Motion, MotionNoise, centres, corners_of

__all__ = ["Tracks"]

Array = NDArray[np.float64]
REMEMBERED = 4  # places that a thing's heading is taken from
_OLDEST_TIMES = 600  # frames that a repair can go back


@dataclass
class Tracks:
    """N things with where they are, where they were last seen, and how often."""

    motion: Motion
    ids: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))  # 0 until it is confirmed
    labels: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    hits: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))  # frames in which it was seen
    seen_at: Array = field(default_factory=lambda: np.empty(0))  # seconds
    last: Array = field(default_factory=lambda: np.empty((0, 4)))  # corners of the box seen last
    before: Array = field(default_factory=lambda: np.empty((0, REMEMBERED, 2)))  # earlier centres, the newest last
    settled: Array = field(default_factory=lambda: np.empty((0, 5, 4)))  # the filter when it was seen last
    times: deque[float] = field(default_factory=lambda: deque(maxlen=_OLDEST_TIMES))  # of the frames

    @classmethod
    def none(cls, noise: MotionNoise) -> Tracks:
        """Nothing is followed yet."""
        return cls(Motion.of(np.empty((0, 4)), noise))

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, boxes: Array, labels: NDArray[Any], now: float) -> None:
        """Follow what is seen for the first time, as boxes (N, 4) in corners."""
        count, places = len(boxes), centres(boxes)
        new = Motion.of(places, self.motion.noise)
        self.motion.state = np.concatenate([self.motion.state, new.state])
        self.ids = np.append(self.ids, np.zeros(count, np.int32))
        self.labels = np.append(self.labels, labels.astype(np.int32))
        self.hits = np.append(self.hits, np.ones(count, np.int32))
        self.seen_at = np.append(self.seen_at, np.full(count, now))
        self.last = np.concatenate([self.last, boxes])
        self.before = np.concatenate([self.before, np.repeat(places[:, None, :2], REMEMBERED, 1)])
        self.settled = np.concatenate([self.settled, new.state])

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Forget all others."""
        if wanted.all():
            return
        self.motion.state = self.motion.state[wanted]
        for each in fields(self):
            column = getattr(self, each.name)
            if isinstance(column, np.ndarray) and len(column) == len(wanted):
                setattr(self, each.name, column[wanted])

    def predict(self, now: float) -> None:
        """Where everything is taken to be by now."""
        if self.times and now > self.times[-1]:
            self.motion.predict(now - self.times[-1])
        self.times.append(now)

    def see(self, rows: NDArray[np.intp], boxes: Array, now: float) -> None:
        """Rows are seen at boxes (M, 4) in corners; the way of what was hidden meanwhile is repaired."""
        if not len(rows):
            return
        places = centres(boxes)
        if len(self.times) > 1:
            self._repair(rows, places, self.times[-2])
        places = uncovered(self.motion.places[rows], places)
        self.motion.correct(rows, places)
        self.before[rows, :-1] = self.before[rows, 1:]
        self.before[rows, -1] = places[:, :2]
        self.settled[rows] = self.motion.state[rows]
        self.last[rows], self.seen_at[rows] = boxes, now
        self.hits[rows] += 1

    def headings(self) -> Array:
        """(N, 2) the direction that each moves in, of length 1; 0 where it has not moved."""
        moved = self.before[:, -1] - self.before[:, 0]
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9))

    @property
    def predicted(self) -> Array:
        """(N, 4) where each is taken to be, in corners."""
        return corners_of(self.motion.places)

    def _repair(self, rows: NDArray[np.intp], places: Array, previous: float) -> None:
        """Undo the guesses made while a thing was not seen: it went straight from where it was to where it is."""
        for i in np.flatnonzero(self.seen_at[rows] < previous).tolist():
            row, place = int(rows[i]), places[i]
            left = float(self.seen_at[row])
            one = Motion(self.settled[row : row + 1].copy(), self.motion.noise)
            start, only, last = one.places[0].copy(), np.array([0]), left
            now = self.times[-1]
            for moment in (each for each in self.times if left < each < now):
                one.predict(moment - last)
                one.correct(only, (start + (place - start) * (moment - left) / (now - left))[None])
                last = moment
            one.predict(now - last)
            self.motion.state[row] = one.state[0]
