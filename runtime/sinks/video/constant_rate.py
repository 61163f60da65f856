"""A video through OpenCV's writer, which knows one rate: each picture is written as often as its time asks for."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import cv2
import numpy as np

from ...host.caught_stderr import caught_stderr
from ...host.utf8 import opencv_path
from ...sources.silence import silence_opencv
from .protocol import Picture

__all__ = ["ConstantRateFile", "plays", "writes"]

SPARE_BYTES = 2 * 1024 * 1024  # OpenCV does not say when a disk is full: so much is left for the end of the file
AHEAD_S = 0.5  # of what is shown: pictures of an uneven source are all there


class ConstantRateFile:
    """A video under way; its rate and size are fixed."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float, fourcc: str) -> None:
        self._path, self._fps = path, fps
        self._size = max(size[0] // 2 * 2, 2), max(size[1] // 2 * 2, 2)
        self._writer = _writer(path, self._size, fps, fourcc)
        self._held: Picture | None = None  # the last picture, until the next one says how long it stood
        self._written = self.kept = self.lost = 0

    def add(self, image: Picture, moment_s: float) -> float:
        """Take a picture that is shown from the frame on that is nearest to that second."""
        self._show_until(moment_s)
        width, height = self._size
        if (image.shape[1] // 2 * 2, image.shape[0] // 2 * 2) == self._size:
            image = image[:height, :width]
        else:
            image = np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        self._held = image
        return self._written / self._fps

    def finish(self, end_s: float | None = None) -> None:
        """Write the last picture and the index, and read some of it again."""
        self._show_until(end_s or 0)
        self.close()
        if not plays(self._path, self._written):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with self._path.open("rb") as stream:
            os.fsync(stream.fileno())

    def close(self) -> None:
        """Let go of the file as it is."""
        self._writer.release()

    def _show_until(self, moment_s: float) -> None:
        if self._held is None:
            return
        if shutil.disk_usage(self._path.parent).free < SPARE_BYTES:
            self.lost += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        due = round(moment_s * self._fps) - self._written
        if due < -AHEAD_S * self._fps:  # more come than its rate has room for: the video keeps their time, not them all
            return
        self.kept += 1
        for _ in range(max(due, 1)):
            self._writer.write(self._held)
            self._written += 1


def writes(path: Path, size: tuple[int, int], fps: float, fourcc: str) -> bool:
    """Whether this OpenCV has an encoder that makes a file of this kind and size: a few pictures are written to it."""
    trial = ConstantRateFile(path, size, fps, fourcc)
    if not trial._writer.isOpened():
        return False
    try:
        for i in range(3):
            trial.add(np.full((size[1], size[0], 3), 60 * i, np.uint8), i / fps)
        trial.finish()
    except (OSError, cv2.error):
        return False
    else:
        return True
    finally:
        trial.close()


def plays(path: Path, frames: int) -> bool:
    """Whether the file holds what was written to it."""
    silence_opencv()
    with caught_stderr(lambda line: True):  # FFmpeg complains of what is not whole  # noqa: ARG005
        capture = cv2.VideoCapture(opencv_path(path), cv2.CAP_FFMPEG)
        try:
            if not frames or not capture.isOpened() or abs(capture.get(cv2.CAP_PROP_FRAME_COUNT) - frames) > 1:
                return False
            capture.set(cv2.CAP_PROP_POS_FRAMES, max(frames - 2, 0))
            return bool(capture.read()[0])
        finally:
            capture.release()


def _writer(path: Path, size: tuple[int, int], fps: float, fourcc: str) -> cv2.VideoWriter:
    silence_opencv()
    with caught_stderr(lambda line: True):  # noqa: ARG005 (encoders that are not there)
        return cv2.VideoWriter(opencv_path(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), fps, size)
