"""Who is known to a source's model, who was seen when and where, and what the page asks to be changed of it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

from ...errors import UsageError
from ...loop.control import Control, Lessons
from ...result import Result

__all__ = ["LastSeen", "change_gallery", "gallery_json", "portrait"]

MOST = 2000  # names that are remembered, and shown; who was not seen for longest goes first


class LastSeen:
    """When and by which source each name was seen last, since the start."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def add(self, result: Result) -> None:
        """Whoever a result names was there."""
        for name in result.seen.identities or ():
            if name:
                self._seen[name] = (result.frame.time, result.frame.source)
                self._seen.move_to_end(name)
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)

    def of(self, name: str) -> dict[str, Any] | None:
        """A name's last moment; None where it was not seen."""
        found = self._seen.get(name)
        return None if found is None else {"time": round(found[0], 3), "source": found[1]}


class Known(Protocol):
    """What is asked of the page's state."""

    @property
    def control(self) -> Control:
        """The loop's."""

    @property
    def last_seen(self) -> LastSeen:
        """Who was seen when."""


def gallery_json(shared: Known, source: str | None) -> dict[str, Any]:
    """The names that a source's model was taught, or the first one's, who was taught last first."""
    lessons, source = _of(shared, source)
    names = sorted(lessons.names(source), key=lambda named: -named.last)[:MOST]
    rows = [
        {
            "name": named.name,
            "pictures": named.exemplars,
            "taught": {"time": round(named.last, 3), "source": named.source},
            "seen": shared.last_seen.of(named.name),
            "portrait": named.pictured,
        }
        for named in names
    ]
    return {"source": source, "names": rows}


def portrait(shared: Known, source: str | None, name: str | None) -> bytes:
    """The newest picture of a name as JPEG; a LookupError where none is kept."""
    if not name:
        raise UsageError("say whose picture: ?name=")
    lessons, source = _of(shared, source)
    data = lessons.picture(source, name)
    if not data:
        raise LookupError
    return data


def change_gallery(shared: Known, body: Any) -> dict[str, Any]:
    """`{"rename": name, "to": another, "source"?}` or `{"forget": name, "source"?}`; what is there then."""
    asked = body if isinstance(body, dict) else {}
    words = {key: asked[key] for key in ("rename", "to", "forget") if key in asked}
    if set(words) not in ({"rename", "to"}, {"forget"}) or not all(isinstance(word, str) for word in words.values()):
        raise UsageError('send a JSON object with "rename" and "to", or with "forget", each a name')
    lessons, source = _of(shared, asked.get("source") or None)
    if "forget" in words:
        lessons.forget(source, words["forget"])
    else:
        lessons.rename(source, words["rename"], words["to"])
    return gallery_json(shared, source)


def _of(shared: Known, source: Any) -> tuple[Lessons, str]:
    """What knows names, and the source that is meant."""
    control = shared.control
    if control.lessons is None or not control.sources:
        raise UsageError("nothing is watched here, so nobody is known: edgelens gallery shows what was taught")
    if source is not None and source not in control.sources:
        raise UsageError("no source of that name")
    return control.lessons, source or control.sources[0]
