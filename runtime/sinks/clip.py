"""One event's video, written beside its place, synced and renamed: it is complete or absent."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .video.choice import opened, played_by_browsers
from .video.protocol import Picture, Video

__all__ = ["Clip"]

LONGEST_GAP_S = 2.0  # that a missing picture is stood in for


class Clip:
    """A video under way; pictures go straight into a hidden file, and are shown for as long as they stood."""

    def __init__(self, target: Path, fps: float) -> None:
        self.target = target  # its ending is what this machine can make, known with the first picture
        self._fps = fps
        self._partial = target
        self._video: Video | None = None
        self._moment = self._shown_s = 0.0

    def add(self, moment: float, image: Picture) -> None:
        """Take a picture of a moment (seconds); its size is that of the first. OSError where it cannot be written."""
        if self._video is None:
            self.target = played_by_browsers(self.target, (image.shape[1], image.shape[0]))
            self._partial = self.target.with_name(f".{self.target.stem}.partial{self.target.suffix}")
            self._video = opened(self._partial, image, self._fps)
        else:
            self._shown_s += min(max(moment - self._moment, 0.0), LONGEST_GAP_S)
        self._moment = moment
        self._video.add(image, self._shown_s)

    def bytes(self) -> int:
        """What it takes on the disk by now."""
        try:
            return self._partial.stat().st_size
        except OSError:
            return 0

    def finish(self) -> None:
        """Put it in its place; OSError, and nothing left behind, where not all of it could be written."""
        try:
            if self._video is not None:
                self._video.finish(self._shown_s + 1 / self._fps)
                self._partial.replace(self.target)
                _sync(self.target.parent)
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing of it but what is in its place."""
        if self._video is not None:
            self._video.close()
            self._video = None
            with contextlib.suppress(OSError):
                self._partial.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
