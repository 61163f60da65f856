"""Lines, zones and masks as they are written. Nothing heavy is imported: the command line is made from these fields."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..said import Said, joined, option

__all__ = ["Line", "Zone", "ZoneOptions", "read_lines", "read_zones"]

MOST = 64  # lines or zones of a source
MOST_POINTS = 64
SLACK = 0.001  # by which fractions may lie beyond the frame: they are rounded when written
_LONGEST_NAME = 60  # characters, marks among them
_NAME = re.compile(r"[\w][\w .-]{0,39}")  # of what is left without the marks of letters


@dataclass(frozen=True)
class Line:
    """A line between two points, in fractions of the frame; from top to bottom it is passed inwards to the right."""

    name: str
    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True)
class Zone:
    """A part of the picture: the points around it, in fractions of the frame."""

    name: str
    points: tuple[tuple[float, float], ...]


def read_lines(value: Any, written: str) -> tuple[Line, ...]:
    """Lines from `NAME=X,Y,X,Y` once or several times, or from a table; `written` begins a refusal."""
    found = []
    for name, points in _named(value, written, "door=.5,.1,.5,.9"):
        if len(points) != 2 or points[0] == points[1]:
            raise UsageError(f"{written} {name}: a line has two points that differ: door=x1,y1,x2,y2")
        found.append(Line(name, *points))
    return tuple(found)


def read_zones(value: Any, written: str) -> tuple[Zone, ...]:
    """Zones, written like lines with three points or more."""
    found = [Zone(name, points) for name, points in _named(value, written, "shelf=.1,.2,.6,.2,.6,.9")]
    for zone in found:
        if len(zone.points) < 3:
            raise UsageError(f"{written} {zone.name}: a zone has three points at least: shelf=x,y,x,y,x,y")
    return tuple(found)


def _masks(value: Any, written: str) -> tuple[Zone, ...]:
    """Masks need no names."""
    if isinstance(value, list | tuple) and value and not isinstance(value[0], str | list | tuple):
        value = joined(value, ",")
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list | tuple):
        texts = [
            f"mask {i + 1}={text}" if isinstance(text, str) and "=" not in text else text
            for i, text in enumerate(texts)
        ]
    return read_zones(texts, written)


def _named(value: Any, written: str, example: str) -> list[tuple[str, tuple[tuple[float, float], ...]]]:
    """Names with their points: of `NAME=x,y,…` once or several times, or of a table."""
    if isinstance(value, Mapping):
        pairs: list[tuple[Any, Any]] = list(value.items())
    else:
        texts: Sequence[Any] = (
            [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
        )
        if not all(isinstance(text, str) for text in texts):
            raise UsageError(f"{written}: write NAME=x,y,x,y, such as {example}")
        pairs = [(name.strip(), rest) for name, _, rest in (text.partition("=") for text in texts)]
    if len(pairs) > MOST:
        raise UsageError(f"{written}: {len(pairs)} are more than the {MOST} that a source may have")
    found = {}
    for name, numbers in pairs:
        if not _is_name(str(name)):
            raise UsageError(
                f"{written} {str(name)[:50]!r}: needs a name of letters and digits before =, such as {example}"
            )
        if name in found:
            raise UsageError(f"{written} {name}: is there twice")
        found[str(name)] = _points(numbers, f"{written} {name}", example)
    return list(found.items())


def _is_name(name: str) -> bool:
    """Whether that is letters and digits, with the vowel signs and accents that scripts write as marks of their own."""
    plain = "".join(c for c in name if not unicodedata.category(c).startswith("M"))
    return _NAME.fullmatch(plain) is not None and plain[0] == name[0] and len(name) <= _LONGEST_NAME


def _points(numbers: Any, where: str, example: str) -> tuple[tuple[float, float], ...]:
    parts = numbers.split(",") if isinstance(numbers, str) else numbers
    try:
        values = [float(part) for part in parts if not isinstance(part, bool)]
    except (OverflowError, TypeError, ValueError):  # the first of a number of hundreds of digits
        values = []
    if not values or len(values) != len(parts) or len(values) % 2 or len(values) > 2 * MOST_POINTS:
        raise UsageError(f"{where}: write x and y of each point, such as {example}")
    if not all(math.isfinite(value) and -SLACK <= value <= 1 + SLACK for value in values):
        raise UsageError(f"{where}: x and y are fractions of the frame, between 0 and 1")
    inside = [min(max(value, 0.0), 1.0) for value in values]
    return tuple(zip(inside[::2], inside[1::2], strict=True))


@dataclass(frozen=True)
class ZoneOptions:
    """Where in the picture of a source something is to be noticed, and what is to be hidden."""

    line: tuple[Line, ...] = option(
        Said("Count what crosses it: fractions of the frame.", "NAME=X,Y,X,Y", read=read_lines, several=True),
        default=(),
    )
    zone: tuple[Zone, ...] = option(
        Said("Notice what enters, stays and leaves.", "NAME=X,Y,X,Y,…", read=read_zones, several=True), default=()
    )
    loiter: float | None = option(Said("Say what stays longer in a zone.", "S", above=0))
    anchor: str = option(
        Said("Where a thing is: the middle of its lower edge, or of its box.", choices=("feet", "middle")),
        default="feet",
    )
    mask: tuple[Zone, ...] = option(
        Said("Blur that part before anything is kept, shown or sent.", "X,Y,X,Y,…", read=_masks, several=True),
        default=(),
    )

    @property
    def watched(self) -> bool:
        """Whether there is anything to be noticed."""
        return bool(self.line or self.zone)
