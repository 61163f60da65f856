"""Follows the things of one source: boxes where they are expected, were last seen, or come out again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..decode.boxes import overlaps
from .association import Candidates, Fit, coming_out, fitting
from .motion_model import MotionNoise
from .tracks import Tracks

__all__ = ["DOUBLE", "Tracker", "TrackerSettings"]

DOUBLE = -2  # of a second box of the same thing

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class TrackerSettings:
    """What a tracker goes by; overlaps are intersection over union."""

    keep_s: float = 2.0  # what is not seen for so long is gone
    confirm: int = 2  # frames in which a thing must be seen before it is one
    unconfirmed_s: float = 0.5  # a thing seen only once is waited for
    sure_overlap: float = 0.15
    unsure_overlap: float = 0.5
    again_overlap: float = 0.3  # with the place at which a thing was last seen
    doubled_overlap: float = 0.5  # a box that lies so much on a better one of its kind starts nothing
    inside: float = 0.6  # the share of a box that lies where a hidden thing is taken to be
    heading: float = 0.03  # what going straight on weighs
    doubt: float = 1.0  # standard deviations by which boxes are grown
    most_doubt: float = 0.5  # sizes
    noise: MotionNoise = field(default_factory=MotionNoise)


class Tracker:
    """Gives the boxes of each frame the numbers of the things that they are; numbers begin at 1 and are used once."""

    def __init__(self, settings: TrackerSettings = TrackerSettings()) -> None:
        self.settings = settings
        self.tracks = Tracks.none(settings.noise)
        self.left: frozenset[int] = frozenset()  # the numbers of what walked out of the last frame
        self._next = 1

    def update(
        self, found: Candidates, sure: NDArray[np.bool_], now: float, size: tuple[int, int] | None = None
    ) -> NDArray[np.int32]:
        """(D,) the number of the thing that each box is: 0 of a sure one not yet confirmed, -1 of an unsure stray one,
        `DOUBLE` of one that shows what a better one shows.

        `now` is in seconds; a clock that goes back makes everything new. `size` is the frame's height and width: what
        has walked out of it does not come back as somebody else.
        """
        tracks = self.tracks
        if tracks.times and now < tracks.times[-1]:
            self.tracks = tracks = Tracks.none(self.settings.noise)
        self._forget(now)
        visible = tracks.seen_at >= (tracks.times[-1] if tracks.times else now)
        tracks.predict(now)
        row_of = self._matched(found, sure, visible)  # (D,) the thing of each box, -1 for none
        matched = np.flatnonzero(row_of >= 0)
        tracks.see(row_of[matched], found.boxes[matched], now)
        fresh = np.flatnonzero((row_of < 0) & sure)
        new = self._new(found, row_of, fresh)
        row_of[new] = np.arange(len(tracks), len(tracks) + len(new))
        if len(new):
            tracks.add(found.boxes[new], found.labels[new], now)
        self._confirm()
        ids = np.where(row_of >= 0, tracks.ids[row_of] if len(tracks) else 0, -1).astype(np.int32)
        ids[fresh[row_of[fresh] < 0]] = DOUBLE
        self._forget(now, size)
        return ids

    def renumber(self, number: int, before: int) -> None:
        """A new thing is one that was lost, and has the number that it had."""
        self.tracks.keep(self.tracks.ids != before)
        self.tracks.ids[self.tracks.ids == number] = before

    def forget_unseen(self) -> None:
        """Follow only what the last frame showed."""
        if self.tracks.times:
            self.tracks.keep(self.tracks.seen_at >= self.tracks.times[-1])

    def _matched(self, found: Candidates, sure: NDArray[np.bool_], visible: NDArray[np.bool_]) -> Rows:
        """(D,) the followed thing that each box is, -1 for none, in rounds over what the ones before left."""
        settings, tracks = self.settings, self.tracks
        row_of = np.full(len(found), -1, np.intp)
        free = np.ones(len(tracks), bool)
        confirmed = tracks.ids > 0

        def match(
            which: NDArray[np.bool_], boxes: NDArray[np.bool_], fit: Fit, least: float | NDArray[np.float64]
        ) -> None:
            things, columns = np.flatnonzero(which & free), np.flatnonzero(boxes & (row_of < 0))
            if not len(things) or not len(columns):
                return
            need = least if isinstance(least, float) else least[np.ix_(things, columns)]
            ones, others = fitting(fit.pick(things), found.pick(columns), need, heading=settings.heading)
            row_of[columns[others]] = things[ones]
            free[things[ones]] = False

        if len(tracks) and len(found):
            expected, last = self._expected(), self._last_seen()
            needed = np.where(sure[None], settings.sure_overlap, settings.unsure_overlap)
            needed = np.where(sure[None] | visible[:, None], needed, np.inf)
            match(confirmed, np.ones(len(found), bool), expected, needed)
            match(confirmed, sure, last, settings.again_overlap)
            self._match_hidden(expected, found, sure, row_of, free)
            match(~confirmed, sure, expected, settings.sure_overlap)
        return row_of

    def _match_hidden(
        self, expected: Fit, found: Candidates, sure: NDArray[np.bool_], row_of: Rows, free: NDArray[np.bool_]
    ) -> None:
        """Boxes in which hidden things come out again, a part of them at first."""
        things, columns = np.flatnonzero(free & (self.tracks.ids > 0)), np.flatnonzero(sure & (row_of < 0))
        if not len(things) or not len(columns):
            return
        ones, others = coming_out(expected.pick(things), found.pick(columns), self.settings.inside)
        row_of[columns[others]] = things[ones]
        free[things[ones]] = False

    def _new(self, found: Candidates, row_of: Rows, fresh: Rows) -> Rows:
        """Sure boxes of nothing known, less second ones of the same thing: a detector's of another scale."""
        if not len(fresh) or len(found) == 1:
            return fresh
        same = overlaps(found.boxes[fresh], found.boxes) >= self.settings.doubled_overlap
        same &= found.labels[fresh, None] == found.labels
        there = row_of >= 0
        for at in np.argsort(-found.scores[fresh], kind="stable").tolist():
            there[fresh[at]] = not (same[at] & there).any()
        return fresh[there[fresh]]

    def _expected(self) -> Fit:
        tracks, settings = self.tracks, self.settings
        boxes = tracks.predicted
        slack = np.minimum(settings.doubt * tracks.motion.doubt, settings.most_doubt * tracks.motion.places[:, 2:])
        return Fit(boxes, tracks.labels, slack, tracks.before[:, -1], tracks.headings())

    def _last_seen(self) -> Fit:
        return Fit(self.tracks.last, self.tracks.labels)

    def _confirm(self) -> None:
        tracks = self.tracks
        rows = np.flatnonzero((tracks.ids == 0) & (tracks.hits >= self.settings.confirm))
        tracks.ids[rows] = np.arange(self._next, self._next + len(rows))
        self._next += len(rows)

    def _forget(self, now: float, size: tuple[int, int] | None = None) -> None:
        tracks, settings = self.tracks, self.settings
        newest = tracks.seen_at >= (tracks.times[-1] if tracks.times else now)  # the frame after it may come late
        patience = np.where((tracks.ids > 0) | newest, settings.keep_s, settings.unconfirmed_s)
        if size is not None:
            middle = tracks.motion.places[:, :2]
            outside = ((middle < 0) | (middle > (size[1], size[0]))).any(axis=1)
            patience[outside] = 0.0
            self.left = frozenset(tracks.ids[outside & (tracks.seen_at < now)].tolist())
        tracks.keep(now - tracks.seen_at <= patience)
