"""What the page or a program asks to be taught, from a source's newest frame; and what it takes back."""

from __future__ import annotations

from typing import Any, Protocol

from ...errors import UsageError
from ...loop.control import Control
from ...preprocess import Region
from ...result import Result
from ..http.json_numbers import is_box

__all__ = ["answer_lesson"]


_KEYS = frozenset(("name", "undo", "source", "box", "photos"))


class Newest(Protocol):
    """What is asked of the page's state."""

    photos: bool  # whether small copies may be kept

    @property
    def control(self) -> Control:
        """The loop's."""

    def newest(self, source: str | None) -> Result:
        """The newest result of a source, or of the first one."""


def answer_lesson(shared: Newest, body: Any) -> dict[str, Any]:
    """Teach what is seen now (`name`; `source`, `box`, `photos` where wanted), or take a lesson back (`undo`)."""
    if not isinstance(body, dict) or not isinstance(body.get("undo", body.get("name")), str):
        raise UsageError('send a JSON object with "name", a text, or with "undo", a lesson')
    if unknown := body.keys() - _KEYS:
        raise UsageError(
            f"{', '.join(sorted(unknown))[:80]}: is no part of a lesson; there are {', '.join(sorted(_KEYS))}"
        )
    lessons = shared.control.lessons
    if lessons is None:
        raise UsageError("nothing is watched here: edgelens teach takes pictures")
    source = body.get("source") or None
    if not isinstance(source, str | None):
        raise UsageError("source is the name of one")
    result = shared.newest(source)
    source = result.frame.source
    if "undo" in body:
        return {"undone": lessons.undo(source, body["undo"])}
    photos = body.get("photos", True)
    if not isinstance(photos, bool):
        raise UsageError("photos is true or false: whether a small copy of the picture is kept")
    region = _region(shared, result, body.get("box"))
    return lessons.teach(source, body["name"], result.frame.image, region, photos=shared.photos and photos)


def _region(shared: Newest, result: Result, box: Any) -> Region | None:
    """The box that was drawn, x, y, w, h in pixels; else the region that is recognized."""
    if box is None:
        return shared.control.settings(result.frame.source).region
    if not is_box(box):
        raise UsageError("a box is [x, y, w, h] in pixels of the frame")
    width, height = result.frame.size[1], result.frame.size[0]
    x, y = max(float(box[0]), 0.0), max(float(box[1]), 0.0)
    region = Region(x, y, min(float(box[2]), width - x), min(float(box[3]), height - y))
    if min(region.w, region.h) < 2:
        raise UsageError("a box is at least two pixels a side and lies in the frame")
    return region
