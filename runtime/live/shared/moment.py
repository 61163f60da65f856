"""One thing that happened, as it is remembered: what, where, when, and for a while its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from ...errors import ImageError
from ...images.read import decode_image
from ...result import Result
from ..viewers.encoder import jpeg

__all__ = ["Moment", "Shown", "moments_of", "moments_of_line", "thumb_of"]

PICTURE_SIDE = 960  # the longer one of a picture that is kept: 60 of them take some 6 MB
THUMB_WIDTH = 160
ANNOUNCED = "announced"  # the kind of what is no event of a line or zone

Box = tuple[float, float, float, float]  # x, y, w, h in fractions of the picture


@dataclass
class Shown:
    """The picture of a moment, and all that was seen in it; several moments of a frame share it."""

    found: dict[str, Any]  # as the result's JSON has it, and the frame's size
    picture: bytes = field(repr=False)  # JPEG
    small: bytes | None = field(default=None, repr=False)  # made when somebody asks


@dataclass(slots=True)
class Moment:
    """An announced label, or what happened at a line or zone."""

    source: str
    kind: str  # "announced", or the event's: "crossed", "entered", "left", "loitering"
    label: str
    place: str  # the line or zone with the direction, empty where it is none's
    score: float
    time: float  # wall clock, seconds
    box: Box | None  # where the thing is, as far as that is known
    at: float | None = None  # its place in a file, seconds
    number: int = 0
    shown: Shown | None = None  # let go after a while

    def to_json(self) -> dict[str, Any]:
        """What the list shows of it."""
        return {
            "id": self.number,
            "source": self.source,
            "kind": self.kind,
            "label": self.label,
            "place": self.place,
            "score": round(self.score, 4),
            "time": round(self.time, 3),
            "box": None if self.box is None else [round(part, 4) for part in self.box],
        }

    def all_to_json(self) -> dict[str, Any]:
        """What is shown of it alone: all that was seen, or at least the thing itself."""
        if self.shown is not None:
            return {**self.to_json(), **self.shown.found}
        itself = {"label": self.label, "id": 0, "score": self.score, "box": self.box}
        rows = [] if self.box is None else [itself]
        return {**self.to_json(), "bundle": None, "frame": None, "results": rows, "size": [1, 1]}


def moments_of(result: Result) -> list[Moment]:
    """What happened with a result, each with its picture."""
    if result.announced is None and not result.events:
        return []
    height, width = result.frame.size
    said = result.to_json()
    found = {key: said[key] for key in ("bundle", "frame", "results")} | {"size": [width, height]}
    shown = Shown(found, jpeg(result.frame.image, 80, PICTURE_SIDE))
    return _moments(said, (width, height), result.frame.time, shown)


def moments_of_line(line: Mapping[str, Any]) -> list[Moment]:
    """What happened by a line of a recording; nothing where it does not say what it should."""
    try:
        width, height = line["size"]
        found = _moments(line, (width, height), float(line["when"]), None)
        return [moment for moment in found if all(map(math.isfinite, (moment.time, moment.score, moment.at or 0.0)))]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # of another kind or version
        return []


def thumb_of(picture: bytes) -> bytes:
    """The small picture of a JPEG, as JPEG; a LookupError where it is none."""
    try:
        pixels = decode_image(picture, "the picture")
    except ImageError as error:
        raise LookupError(str(error)) from None
    height, width = pixels.shape[:2]
    tall = max(round(height * THUMB_WIDTH / width), 1)
    size = THUMB_WIDTH, min(tall, 4 * THUMB_WIDTH)  # a frame may be a line
    return jpeg(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), 75)


def _moments(said: Mapping[str, Any], size: tuple[int, int], when: float, shown: Shown | None) -> list[Moment]:
    """The moments of a result's JSON; its announced label first."""
    rows, source, place = said["results"], str(said["source"]), said.get("position_s")
    at = None if place is None else float(place)
    made = []
    if said["announced"] is not None:
        label = str(said["announced"])
        box = _box(rows, _row_called(rows, label), size)
        made.append(Moment(source, ANNOUNCED, label, "", _score(rows, label), when, box, at, shown=shown))
    for event in said["events"]:
        track = event.get("track", -1)
        row = next((i for i, row in enumerate(rows) if row.get("track") == track), None)
        score = 0.0 if row is None else float(rows[row]["score"])
        label, kind = str(event["label"]), str(event["kind"])
        made.append(Moment(source, kind, label, _place(event), score, when, _box(rows, row, size), at, shown=shown))
    return made


def _place(event: Mapping[str, Any]) -> str:
    return " ".join(str(event[key]) for key in ("line", "zone", "direction") if event.get(key))


def _names(row: Mapping[str, Any]) -> set[Any]:
    return {row.get("name"), row.get("text"), row["label"]} - {None, ""}


def _row_called(rows: list[Any], label: str) -> int | None:
    """The best row that is called so and has a place: its own, or that of the row it was found inside."""
    for i, row in enumerate(rows):
        if label in _names(row):
            around = i if row.get("box") else row.get("parent")
            if around is not None and rows[around].get("box"):
                return int(around)
    return None


def _box(rows: list[Any], row: int | None, size: tuple[int, int]) -> Box | None:
    if row is None or not rows[row].get("box"):
        return None
    x, y, w, h = (float(part) for part in rows[row]["box"])
    box = x / size[0], y / size[1], w / size[0], h / size[1]
    return box if all(map(math.isfinite, box)) else None


def _score(rows: list[Any], label: str) -> float:
    """The best score of a label, which may be a rival in the very frame with which it is announced."""
    said = [(name, row["score"]) for row in rows for name in _names(row)]
    said += [(rival["label"], rival["score"]) for row in rows for rival in row.get("rivals", ())]
    return max((float(score) for name, score in said if name == label), default=0.0)
