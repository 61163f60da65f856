"""What a source of frames is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..frame import Frame
    from ..result import Result

__all__ = ["Judge", "KnowsTruth", "Score", "Source", "SourceContext"]


@dataclass(frozen=True)
class SourceContext:
    """What a run tells a source, whatever kind it is of."""

    name: str | None = None  # as results carry it; what it was asked for by unless said
    complain: Callable[[str], None] = lambda _: None  # told of files that are not whole, cameras that hold back


class Source(Protocol):
    """Frames in order; opened when entered, closed when left.

    A live source's newest frame is the one that counts; a file or folder is read completely and in order.
    """

    name: str  # as people see it: user and password masked
    live: bool

    def read(self) -> Frame | None:
        """The next frame, waiting for it; None at the end. A lost or stalled source raises SourceError."""

    def interrupt(self) -> None:
        """Make a read that is waiting in another thread return or raise soon."""

    def __enter__(self) -> Source: ...

    def __exit__(self, *exc: object) -> None: ...


class Score(Protocol):
    """How right a run was; as text one line."""

    def to_json(self) -> dict[str, Any]:
        """The score as plain JSON types."""


class Judge(Protocol):
    """Holds what a run announces against a source's truth."""

    name: str  # of the score in a run's summary

    def hear(self, result: Result) -> None:
        """Take one result, in order; those of other sources are passed over."""

    def score(self) -> Score:
        """How right it was until now."""


@runtime_checkable
class KnowsTruth(Protocol):
    """A source that knows what it shows."""

    def judge(self) -> Judge:
        """Who holds a run against it."""
