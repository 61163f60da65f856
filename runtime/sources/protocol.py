"""What a source of frames is."""

from __future__ import annotations

from typing import Protocol

from ..frame import Frame

__all__ = ["Source"]


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
