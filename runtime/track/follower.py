"""Follows what a detector finds before one source: the loop's frames and rows on one side, a tracker on the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode
from ..decode.boxes import corners_of_xywh
from ..frame import Frame
from ..recognitions import Recognitions
from .association import Candidates
from .memory import TrackMemory
from .options import TrackOptions
from .tracker import DOUBLE, Tracker, TrackerSettings

__all__ = ["TrackFollower"]

UNSURE = 0.1  # rows that score less are nothing


class TrackFollower:
    """Gives rows the numbers of things; a row under the threshold stands only where a thing was expected."""

    def __init__(self, options: TrackOptions) -> None:
        self._tracker = Tracker(TrackerSettings(keep_s=options.track_keep))
        self.memory = TrackMemory(options)
        self._frame: Frame | None = None
        self._decode: Decode | None = None
        self._raised = False  # whether the threshold is higher than it was for the frame before

    def begin(self, frame: Frame, decode: Decode) -> float:
        """Take up the next frame: the threshold that its rows are to be decoded with."""
        self._raised = self._decode is not None and decode.threshold > self._decode.threshold
        self._frame, self._decode = frame, decode
        for number, before in self.memory.back.items():
            self._tracker.renumber(number, before)
        self.memory.begin(frame.moment_s)
        return min(UNSURE, decode.threshold, *decode.thresholds.values())

    def follow(self, seen: Recognitions) -> Recognitions:
        """The rows that stand, with their numbers: -1 where a thing has been seen too shortly to have one."""
        assert self._frame is not None
        placed = ~np.isnan(seen.places[:, 0]) if len(seen) else np.zeros(0, bool)
        sure = self._sure(seen)
        rows = np.flatnonzero(placed & sure if self._raised else placed)  # what is too unsure now must not go on
        found = Candidates(
            corners_of_xywh(seen.places[rows].astype(np.float64)),
            seen.ids[rows],
            seen.scores[rows].astype(np.float64),
        )
        numbers = np.full(len(seen), -1, np.int32)
        numbers[rows] = self._tracker.update(found, sure[rows], self._frame.moment_s, self._frame.size)
        self.memory.forget(self._tracker.left)
        if self._raised:
            self._tracker.forget_unseen()
        stands = (sure & (numbers != DOUBLE)) | (numbers > 0)
        numbers[numbers == 0] = -1
        return replace(seen, track_ids=numbers).select(stands)

    def _sure(self, seen: Recognitions) -> NDArray[np.bool_]:
        """(N,) the rows that would stand without anything being followed."""
        decode = self._decode
        assert decode is not None
        if not decode.thresholds:
            return np.asarray(seen.scores >= decode.threshold)
        own = [decode.least(seen.label(row)) for row in range(len(seen))]
        return np.asarray(seen.scores >= np.array(own, np.float32))
