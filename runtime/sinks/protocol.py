"""What a sink for results is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..bundle.manifest import Decode
    from ..preprocess import Region
    from ..result import Result
    from .losses import Losses

__all__ = ["CountsLosses", "KeepsMessages", "Notice", "Sink", "SinkContext"]


@dataclass(frozen=True)
class Notice:
    """Something that happened to a source: `kind` is "lost", "back", "ended" or "slowed"."""

    source: str
    kind: str
    text: str
    time: float  # wall clock, seconds


def _of_any_score(_source: str) -> Decode:
    from ..bundle.manifest import Decode  # the command line is made without it

    return Decode()


@dataclass(frozen=True)
class SinkContext:
    """What a run tells its sinks; of a source, by name, what holds while it runs."""

    sources: tuple[str, ...] = ()
    device: str = ""  # the stable id that results carry
    decode: Callable[[str], Decode] = _of_any_score
    region: Callable[[str], Region | None] = lambda source: None  # noqa: ARG005
    fps: Callable[[str], float | None] = lambda source: None  # noqa: ARG005 (once open and where known)
    closed: Callable[[], None] = lambda: None  # the window was closed
    printed: bool = False  # another sink's lines go to the standard output


class Sink(Protocol):
    """Takes results on a thread of its own behind a bounded queue: a slow sink loses frames, never blocks the loop.

    One that raises is told of, left alone for a while and given the next result: what it can take up again, it takes
    up in `write`.
    """

    name: str

    def write(self, result: Result) -> None:
        """Take one result."""

    def notice(self, notice: Notice) -> None:
        """Be told what happened to a source."""

    def __enter__(self) -> Sink: ...

    def __exit__(self, *exc: object) -> None: ...


@runtime_checkable
class CountsLosses(Protocol):
    """A sink that goes on by itself when something could not be kept, and counts it."""

    losses: Losses


@runtime_checkable
class KeepsMessages(Protocol):
    """A sink whose messages wait until somebody takes them."""

    @property
    def waiting(self) -> int:
        """How many do."""

    @property
    def trouble(self) -> str:
        """Why nobody takes them; empty while somebody does."""
