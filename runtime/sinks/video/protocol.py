"""What a video file under way is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Picture", "Video"]

Picture = NDArray[np.uint8]  # (H, W, 3) BGR


class Video(Protocol):
    """Takes pictures in the order of their time; OSError where the disk does not take them, after which it goes on."""

    kept: int  # pictures that are in the file
    lost: int  # pictures that could not be

    def add(self, image: Picture, moment_s: float) -> float:
        """Take a picture that is shown from that second on, or as near to it as the kind of video can: that is said.

        One of another size is brought to the first one's.
        """

    def finish(self, end_s: float | None = None) -> None:
        """Bring all of it to disk, playable; the last picture stays until `end_s`."""

    def close(self) -> None:
        """Let go of the file as it is."""
