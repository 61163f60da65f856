"""The last announced labels: each with the picture and the rows it was announced with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from ...result import Result
from ..viewers.encoder import jpeg

__all__ = ["Moment", "Timeline"]

PICTURE_SIDE = 960  # the longer one of a picture that is kept: 60 of them take some 6 MB
THUMB_WIDTH = 160

Box = tuple[float, float, float, float]  # x, y, w, h in fractions of the picture


@dataclass
class Moment:
    """One announced label."""

    source: str
    label: str
    score: float
    time: float  # wall clock, seconds
    box: Box | None  # where the label is, as far as that is known
    found: dict[str, Any]  # all that was seen in the frame, as the result's JSON has it, and the frame's size
    picture: bytes = field(repr=False)  # JPEG
    number: int = 0
    small: bytes | None = field(default=None, repr=False)  # made when somebody asks

    @classmethod
    def of(cls, result: Result) -> Moment:
        """What is kept of an announced result."""
        frame, label = result.frame, result.announced or ""
        height, width = frame.size
        said = result.to_json()
        shown = {key: said[key] for key in ("bundle", "frame", "results")} | {"size": [width, height]}
        picture = jpeg(frame.image, 80, PICTURE_SIDE)
        return cls(frame.source, label, _score(result, label), frame.time, _box(result, label), shown, picture)

    def to_json(self) -> dict[str, Any]:
        """What the list shows of it."""
        return {
            "id": self.number,
            "source": self.source,
            "label": self.label,
            "score": round(self.score, 4),
            "time": round(self.time, 3),
            "box": None if self.box is None else [round(part, 4) for part in self.box],
        }

    def all_to_json(self) -> dict[str, Any]:
        """What is shown of it alone."""
        return {**self.to_json(), **self.found}

    def thumb(self) -> bytes:
        """Its small picture as JPEG."""
        if self.small is None:
            pixels = np.asarray(cv2.imdecode(np.frombuffer(self.picture, np.uint8), cv2.IMREAD_COLOR))
            height, width = pixels.shape[:2]
            tall = max(round(height * THUMB_WIDTH / width), 1)
            size = THUMB_WIDTH, min(tall, 4 * THUMB_WIDTH)  # a frame may be a line
            small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
            self.small = jpeg(small, 75)
        return self.small


class Timeline:
    """A bounded, thread-safe list of moments."""

    def __init__(self, most: int = 60) -> None:
        self._most, self._next = most, 1
        self._moments: OrderedDict[int, Moment] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, result: Result) -> Moment:
        """Remember an announced result."""
        moment = Moment.of(result)
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

    def moment(self, number: int) -> Moment:
        """One of them; a LookupError when it is no longer remembered."""
        with self._lock:
            return self._moments[number]


def _score(result: Result, label: str) -> float:
    """The best score of a label, which may be a rival in the very frame with which it is announced."""
    seen = result.seen
    said = [*seen, *((row.name, row.score) for row in seen)]
    said += (rival for row in range(len(seen)) for rival in seen.rivals_of(row))
    return max((score for name, score in said if name == label), default=0.0)


def _box(result: Result, label: str) -> Box | None:
    """Where the best row of a label is: in its own box, or in that of the row it was found inside."""
    seen, (height, width) = result.seen, result.frame.size
    for row in (row for row, name in enumerate(seen.names) if label in (name, seen.label(row))):
        around = row if seen.parents is None or seen.has_place(row) else int(seen.parents[row])
        if around >= 0 and seen.has_place(around):
            x, y, w, h = (float(part) for part in seen.places[around])
            return x / width, y / height, w / width, h / height
    return None
