"""What a plate looks like, in lengths of one unit (millimetres, as standards have it) and colours (R, G, B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .signs import Signs

__all__ = ["MARKS", "Band", "Border", "Box", "Colours", "Layout", "Line", "Part"]

Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height
Colours: TypeAlias = tuple[tuple[int, int, int], ...]  # one of them; none: another's
MARKS = ("space", "dot", "dash", "seal")


@dataclass(frozen=True)
class Part:
    """Signs, or a mark that stands between some and is not read: a space, a dot, a dash, a seal."""

    signs: Signs | None
    mark: str = ""
    width: float = 0.0  # of the mark
    chance: float = 1.0  # that it is there


@dataclass(frozen=True)
class Line:
    """Signs as high as their box, in the middle of its width; narrower where they have no room."""

    box: Box
    character: float  # the usual one's width
    gap: float  # between two
    parts: tuple[Part, ...]
    read: bool
    cells: bool  # whether narrow characters, too, have a usual one's place
    chance: float
    ink: Colours


@dataclass(frozen=True)
class Band:
    """A part of the ground in another colour, perhaps with a ring of stars above and a sign below."""

    box: Box
    colour: Colours
    chance: float
    stars: bool
    signs: Signs | None


@dataclass(frozen=True)
class Border:
    """A line around the plate, so far from its edge."""

    inset: float
    width: float
    chance: float
    colour: Colours


@dataclass(frozen=True)
class Layout:
    """A kind of plate."""

    name: str
    size: tuple[float, float]  # width, height
    corner: float  # its corners' radius
    ground: Colours
    fade: Colours  # what the ground becomes downwards; none: it stays
    ink: Colours
    fonts: tuple[str, ...]  # parts of their files' names; none: those that plates are like
    rivets: tuple[tuple[float, float], ...]
    borders: tuple[Border, ...]
    bands: tuple[Band, ...]
    lines: tuple[Line, ...]

    @property
    def read(self) -> tuple[Line, ...]:
        """The lines that are read, from above: where there are several, each is a picture of its own."""
        return tuple(sorted((line for line in self.lines if line.read), key=lambda line: line.box[1]))

    @property
    def characters(self) -> str:
        """All that may be read on it."""
        every = (part.signs.characters for line in self.read for part in line.parts if part.signs)
        return "".join(sorted(set("".join(every))))
