"""One event's video, written beside its place, checked, synced and renamed: it is complete or absent."""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Clip"]

LONGEST_GAP_S = 2.0  # that a missing picture is stood in for


class Clip:
    """An MP4 under way; pictures go straight into a hidden file, each as often as its time asks for."""

    def __init__(self, target: Path, fps: float) -> None:
        self.target = target
        self._partial = target.with_name(f".{target.stem}.partial.mp4")
        self._fps, self._size, self._written = fps, (0, 0), 0
        self._writer: cv2.VideoWriter | None = None
        self._start = self._moment = 0.0
        self._held: NDArray[np.uint8] | None = None  # the last picture, until the next one says how long it stood

    def add(self, moment: float, image: NDArray[np.uint8]) -> None:
        """Take a picture of a moment (seconds); its size is that of the first."""
        if self._held is None:
            self._start = moment
            self._size = image.shape[1] // 2 * 2, image.shape[0] // 2 * 2
            self._writer = cv2.VideoWriter(str(self._partial), cv2.VideoWriter.fourcc(*"mp4v"), self._fps, self._size)
        else:
            self._show_until(min(moment, self._moment + LONGEST_GAP_S))
        if (image.shape[1], image.shape[0]) != self._size:
            image = np.asarray(cv2.resize(image, self._size), np.uint8)
        self._held, self._moment = image, moment

    def bytes(self) -> int:
        """What it takes on the disk by now."""
        try:
            return self._partial.stat().st_size
        except OSError:
            return 0

    def finish(self) -> bool:
        """Put it in its place; False, and nothing left behind, where not all of it could be written."""
        try:
            self._show_until(self._moment)
            self._close()
            if not self._written or not _plays(self._partial, self._written):
                return False
            _sync(self._partial)
            self._partial.replace(self.target)
            _sync(self.target.parent)
        except OSError:
            return False
        else:
            return True
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing of it but what is in its place."""
        self._close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def _show_until(self, moment: float) -> None:
        if self._held is None or self._writer is None or not self._writer.isOpened():
            return
        for _ in range(max(round((moment - self._start) * self._fps) - self._written, 1)):
            self._writer.write(self._held)
            self._written += 1

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.release()
            self._writer = None


def _plays(path: Path, frames: int) -> bool:
    """Whether the file holds what was written: OpenCV does not say when the disk was full."""
    if not _has_index(path):
        return False
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened() or int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) != frames:
            return False
        capture.set(cv2.CAP_PROP_POS_FRAMES, frames - 1)
        return bool(capture.read()[0])
    finally:
        capture.release()


def _has_index(path: Path) -> bool:
    """Whether the index, which is written last, is there; FFmpeg would complain on stderr where it is not."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        at = 0
        while at + 8 <= size:
            stream.seek(at)
            length, kind = struct.unpack(">I4s", stream.read(8))
            if length == 1:
                length = int.from_bytes(stream.read(8), "big")
            if kind == b"moov":
                return bool(at + length <= size)
            if length < 8:
                return False
            at += length
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
