"""What a sink for results is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..result import Result

__all__ = ["Notice", "Sink"]


@dataclass(frozen=True)
class Notice:
    """Something that happened to a source: `kind` is "lost", "back", "ended" or "slowed"."""

    source: str
    kind: str
    text: str
    time: float  # wall clock, seconds


class Sink(Protocol):
    """Takes results on a thread of its own behind a bounded queue: a slow sink loses frames, never blocks the loop."""

    name: str

    def write(self, result: Result) -> None:
        """Take one result."""

    def notice(self, notice: Notice) -> None:
        """Be told what happened to a source."""

    def __enter__(self) -> Sink: ...

    def __exit__(self, *exc: object) -> None: ...
