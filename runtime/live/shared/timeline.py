"""The last announced labels with small pictures, which are only encoded when somebody asks for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...recognitions import Recognitions
from ...result import Result

__all__ = ["Moment", "Timeline"]

THUMB_WIDTH = 160


@dataclass
class Moment:
    """One announced label."""

    number: int
    source: str
    label: str
    score: float
    time: float  # wall clock, seconds
    thumb: NDArray[np.uint8]
    encoded: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {
            "id": self.number,
            "source": self.source,
            "label": self.label,
            "score": round(self.score, 4),
            "time": round(self.time, 3),
        }


class Timeline:
    """A bounded, thread-safe list of moments."""

    def __init__(self, most: int = 60) -> None:
        self._most, self._next = most, 1
        self._moments: OrderedDict[int, Moment] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, result: Result) -> Moment:
        """Remember an announced result."""
        label = result.announced or ""
        frame = result.frame
        moment = Moment(0, frame.source, label, _score(result.seen, label), frame.time, _small(frame.image))
        with self._lock:
            moment.number, self._next = self._next, self._next + 1
            self._moments[moment.number] = moment
            while len(self._moments) > self._most:
                self._moments.popitem(last=False)
        return moment

    def to_json(self) -> list[dict[str, Any]]:
        """The moments, oldest first."""
        with self._lock:
            return [moment.to_json() for moment in self._moments.values()]

    def thumb(self, number: int) -> bytes:
        """A moment's small picture as JPEG; a LookupError when it is no longer remembered."""
        with self._lock:
            moment = self._moments[number]
        if moment.encoded is None:
            moment.encoded = bytes(cv2.imencode(".jpg", moment.thumb, [cv2.IMWRITE_JPEG_QUALITY, 75])[1])
        return moment.encoded


def _score(seen: Recognitions, label: str) -> float:
    """The best score of a label, which may be a rival in the very frame with which it is announced."""
    said = [*seen, *(rival for row in range(len(seen)) for rival in seen.rivals_of(row))]
    return max((score for name, score in said if name == label), default=0.0)


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    step = max(width // (2 * THUMB_WIDTH), 1)  # whole pixels first: the big picture is not averaged for a small one
    size = THUMB_WIDTH, max(round(height * THUMB_WIDTH / width), 1)
    return np.asarray(cv2.resize(image[::step, ::step], size, interpolation=cv2.INTER_AREA), np.uint8)
