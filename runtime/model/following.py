"""What follows things from frame to frame, as far as a walk through a bundle's steps asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..bundle.manifest import Decode
from ..frame import Frame
from ..recognitions import Recognitions

if TYPE_CHECKING:  # a camera whose things are not followed starts without it
    from ..track.memory import TrackMemory

__all__ = ["Follower"]


class Follower(Protocol):
    """Keeps what it needs of one source's earlier frames; asked twice a frame."""

    @property
    def memory(self) -> TrackMemory:
        """What later steps have said of the things that are followed."""

    def begin(self, frame: Frame, decode: Decode) -> float:
        """Take up the next frame: the threshold that its rows are to be decoded with, so that unsure ones are there."""

    def follow(self, seen: Recognitions) -> Recognitions:
        """The rows of the first step that stand, with the numbers of the things that they are."""
