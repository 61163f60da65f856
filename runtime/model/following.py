"""What follows things from frame to frame, as far as a walk through a bundle's steps asks it."""

from __future__ import annotations

from typing import Protocol

from ..bundle.manifest import Decode
from ..frame import Frame
from ..recognitions import Recognitions

__all__ = ["Follower"]


class Follower(Protocol):
    """Keeps what it needs of one source's earlier frames; asked twice a frame."""

    def begin(self, frame: Frame, decode: Decode) -> float:
        """Take up the next frame: the threshold that its rows are to be decoded with, so that unsure ones are there."""

    def follow(self, seen: Recognitions) -> Recognitions:
        """The rows of the first step that stand, with the numbers of the things that they are."""
