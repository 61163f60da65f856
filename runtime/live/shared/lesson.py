"""What the page or a program asks to be taught, from a source's newest frame or an event; and what it takes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...images.read import decode_image
from ...loop.control import Control
from ...preprocess import Region
from ...result import Result
from ..http.json_numbers import is_box
from .timeline import Timeline

__all__ = ["answer_lesson"]

_MEANT = ("box", "event", "track")  # what in the picture is taught; one of them at most
_KEYS = frozenset(("name", "undo", "source", "photos", *_MEANT))


class Newest(Protocol):
    """What is asked of the page's state."""

    photos: bool  # whether small copies may be kept
    timeline: Timeline

    @property
    def control(self) -> Control:
        """The loop's."""

    def newest(self, source: str | None) -> Result:
        """The newest result of a source, or of the first one."""


@dataclass(frozen=True)
class _Seen:
    """What a lesson is taken from."""

    source: str
    image: NDArray[np.uint8]
    region: Region | None  # that is recognized
    box: Region | None  # that is meant


def answer_lesson(shared: Newest, body: Any) -> dict[str, Any]:
    """Teach what is seen (`name`, and more of `_KEYS` where wanted), or take a lesson back (`undo`)."""
    if not isinstance(body, dict) or not isinstance(body.get("undo", body.get("name")), str):
        raise UsageError('send a JSON object with "name", a text, or with "undo", a lesson')
    if unknown := body.keys() - _KEYS:
        said = ", ".join(sorted(unknown))[:80]
        raise UsageError(f"{said}: is no part of a lesson; there are {', '.join(sorted(_KEYS))}")
    lessons = shared.control.lessons
    if lessons is None:
        raise UsageError("nothing is watched here: edgelens teach takes pictures")
    source = body.get("source") or None
    if not isinstance(source, str | None):
        raise UsageError("source is the name of one")
    if "undo" in body:
        source = shared.newest(source).frame.source
        return {"undone": lessons.undo(source, body["undo"])}
    photos = body.get("photos", True)
    if not isinstance(photos, bool):
        raise UsageError("photos is true or false: whether a small copy of the picture is kept")
    seen = _seen(shared, source, {key: body[key] for key in _MEANT if body.get(key) is not None})
    kept = shared.photos and photos
    return lessons.teach(seen.source, body["name"], seen.image, seen.region, box=seen.box, photos=kept)


def _seen(shared: Newest, source: str | None, meant: dict[str, Any]) -> _Seen:
    """The picture, and what is meant in it: a box, a track, or what an event was about."""
    if len(meant) > 1:
        raise UsageError(f"say one of {' and '.join(meant)}: each says what is meant")
    if "event" in meant:
        return _seen_then(shared, source, meant["event"])
    result = shared.newest(source)
    source, image, box = result.frame.source, result.frame.image, meant.get("box")
    if "track" in meant:
        box = _box_of_track(result, meant["track"])
    if box is not None and not is_box(box):
        raise UsageError("a box is [x, y, w, h] in pixels of the frame")
    drawn = None if box is None else _within(box, result.frame.size)
    return _Seen(source, image, shared.control.settings(source).region, drawn)


def _seen_then(shared: Newest, source: str | None, event: Any) -> _Seen:
    """The picture that is kept of an event, and where in it the thing is, as far as that is known."""
    if not _is_number(event):
        raise UsageError("event is the id of one, a whole number")
    try:
        moment = shared.timeline.moment(event)
        picture = shared.timeline.picture(moment)
    except LookupError:
        raise UsageError(f"event {event}: its picture is no longer kept") from None
    if source not in (None, moment.source) or moment.source not in shared.control.sources:
        raise UsageError(f"event {event}: is of another source: {moment.source[:80]}")
    image = decode_image(picture, f"event {event}")
    height, width = image.shape[:2]
    region = shared.control.settings(moment.source).region
    if region is not None and not region.in_fractions:  # of the frame, of which the picture is a smaller copy
        region = region.as_fractions(*shared.newest(moment.source).frame.size)
    box = None if moment.box is None else np.multiply(moment.box, (width, height, width, height)).tolist()
    return _Seen(moment.source, image, region, None if box is None else _within(box, (height, width)))


def _box_of_track(result: Result, track: Any) -> list[float]:
    """Where a thing that is followed is now."""
    if not _is_number(track):
        raise UsageError("track is the number of one, a whole number")
    tracks, places = result.seen.track_ids, result.seen.places
    if tracks is None:
        raise UsageError(f"track {track}: nothing is followed here; start with --track")
    rows = np.flatnonzero((tracks == track) & np.isfinite(places).all(axis=1))
    if not len(rows):
        raise UsageError(f"track {track}: is not seen now")
    return [float(part) for part in places[rows[0]]]


def _within(box: Sequence[float], size: tuple[int, int]) -> Region:
    """The part of a box x, y, w, h that lies in a picture of this height and width."""
    left, top, wide, high = map(float, box)
    x, y = max(left, 0.0), max(top, 0.0)
    region = Region(x, y, min(left + wide, size[1]) - x, min(top + high, size[0]) - y)
    if min(region.w, region.h) < 2:
        raise UsageError("a box is at least two pixels a side and lies in the frame")
    return region


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
