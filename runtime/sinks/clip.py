"""One event's video and what was seen in it, written beside their places, synced and renamed: complete or absent."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .clip_rows import ClipRows
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
        self._rows = ClipRows(target)
        self._moment = self._shown_s = 0.0

    def add(self, moment: float, image: Picture, said: str = "") -> None:
        """Take a picture of a moment (seconds), and what a line beside the clip says of it.

        Its size is that of the first. OSError where it cannot be written.
        """
        if self._video is None:
            self.target = played_by_browsers(self.target, (image.shape[1], image.shape[0]))
            self._partial = self.target.with_name(f".{self.target.stem}.partial{self.target.suffix}")
            self._video = opened(self._partial, image, self._fps)
        else:
            self._shown_s += min(max(moment - self._moment, 0.0), LONGEST_GAP_S)
        self._moment = moment
        at_s = self._video.add(image, self._shown_s)
        if said:
            self._rows.add(at_s, said)

    def bytes(self) -> int:
        """What it takes on the disk by now."""
        try:
            return self._partial.stat().st_size + self._rows.bytes
        except OSError:
            return 0

    def finish(self) -> None:
        """Put it in its place; OSError, and nothing left behind, where not all of it could be written.

        Its rows are there first: who finds a clip finds them, too. What is left of a kill between goes with the next
        start.
        """
        try:
            if self._video is not None:
                self._video.finish(self._shown_s + 1 / self._fps)
                self._rows.finish()
                try:
                    self._partial.replace(self.target)
                except OSError:
                    self._rows.target.unlink(missing_ok=True)
                    raise
                _sync(self.target.parent)
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing of it but what is in its place."""
        self._rows.discard()
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
