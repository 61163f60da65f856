"""Which of the remembered moments somebody asks for, checked before anything is looked through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import UsageError
from .moment import Moment

__all__ = ["Wanted"]

MOST = 200  # moments in one answer
LONGEST = 100  # letters of a text that is looked for
KEYS = ("label", "source", "since", "until", "before", "limit")


@dataclass(frozen=True)
class Wanted:
    """A search: what is not said holds for every moment."""

    label: str = ""  # is part of the label, or of the name of the line or zone; small and large letters are one
    source: str | None = None
    since: float = -math.inf  # seconds since 1970
    until: float = math.inf
    before: int | None = None  # only moments of a lower number: the next page of an answer
    limit: int = 60

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """From an address's query; a UsageError says what is wrong with it."""
        for name in query:
            if name not in (*KEYS, "token"):  # which the gate has looked at
                raise UsageError(f"events are not searched by {name[:40]!r}; there are {', '.join(KEYS)}")
        label = query.get("label", "").strip().casefold()
        if len(label) > LONGEST:
            raise UsageError(f"label: at most {LONGEST} letters")
        since, until = _seconds(query, "since", -math.inf), _seconds(query, "until", math.inf)
        if since > until:
            raise UsageError("since is later than until: nothing lies between")
        before, limit = _whole(query, "before"), _whole(query, "limit")
        if limit is not None and not 1 <= limit <= MOST:
            raise UsageError(f"limit is a whole number from 1 to {MOST}")
        return cls(label, query.get("source"), since, until, before, cls.limit if limit is None else limit)

    def takes(self, moment: Moment) -> bool:
        """Whether a moment is one of those."""
        return (
            (self.before is None or moment.number < self.before)
            and self.since <= moment.time <= self.until
            and self.source in (None, moment.source)
            and (not self.label or self.label in moment.label.casefold() or self.label in moment.place.casefold())
        )


def _seconds(query: Mapping[str, str], name: str, unsaid: float) -> float:
    if name not in query:
        return unsaid
    try:
        value = float(query[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{name} is a time in seconds since 1970")
    return value


def _whole(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    text = query[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise UsageError(f"{name} is a whole number")
    return int(text)
