"""Steadier answers over time: averaged scores, and labels announced once they have been agreed on."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode
from ..decode.classify import ClassifyOptions, ranked
from ..recognitions import UNKNOWN_ID, Recognitions

__all__ = ["Announcer", "Smoother"]


class Smoother:
    """An exponential average of a classifier's probabilities; what has boxes passes through unchanged."""

    def __init__(self) -> None:
        self._average: NDArray[np.float32] | None = None

    def smooth(self, seen: Recognitions, weight: float, settings: Decode) -> Recognitions:
        """The frame's answer with the newest frame weighing `weight` (1 is no smoothing), ranked as a decoder does."""
        newest = seen.maps.get("probabilities")
        if weight >= 1 or newest is None or seen.boxes is not None:
            self._average = None
            return seen
        if self._average is None or self._average.shape != newest.shape:
            self._average = np.array(newest, np.float32)
            return seen
        self._average = self._average + np.float32(weight) * (newest - self._average)
        options = ClassifyOptions.of(settings)
        return ranked(self._average, seen.labels, options, settings.threshold, settings.thresholds, task=seen.task)


class Announcer:
    """Says a label once an appearance: when N of the last M frames agree, and again only after it has been gone."""

    def __init__(self) -> None:
        self._frames: deque[frozenset[str]] = deque()
        self._standing: set[str] = set()
        self._due: deque[str] = deque()

    def hear(self, seen: Recognitions, agree: tuple[int, int], background: Collection[str] = ()) -> str | None:
        """The label to announce with this frame, if there is one; `background` labels mean "nothing there"."""
        needed, window = agree
        self._frames.append(_present(seen, background))
        while len(self._frames) > window:
            self._frames.popleft()
        counts = Counter(label for frame in self._frames for label in frame)
        self._standing &= counts.keys()
        for label in sorted(counts.keys() - self._standing):
            if counts[label] >= min(needed, window):
                self._standing.add(label)
                self._due.append(label)
        return self._due.popleft() if self._due else None

    @property
    def standing(self) -> frozenset[str]:
        """The labels that have been announced and are not gone."""
        return frozenset(self._standing)


def _present(seen: Recognitions, background: Collection[str]) -> frozenset[str]:
    """A classifier's best label, or the labels of all boxes."""
    rows = range(len(seen)) if seen.boxes is not None else range(min(len(seen), 1))
    labels = (seen.label(row) for row in rows if seen.ids[row] != UNKNOWN_ID)
    return frozenset(label for label in labels if label not in background)
