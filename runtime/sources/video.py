"""A video file, decoded completely and in order."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np

from ..errors import SourceError
from ..frame import Frame
from ..host.utf8 import opencv_path
from .silence import silence_opencv

__all__ = ["VideoFile"]

RESTARTED_S = 1.0  # times that go back by more are another recording's, which goes on behind the one before


class VideoFile:
    """Every frame of a video file."""

    live = False

    def __init__(
        self, path: str, *, name: str | None = None, threads: int | None = None, most: int | None = None
    ) -> None:
        self.name, self.path = name or path, path
        self.threads = threads or min(max((os.cpu_count() or 1) - 1, 1), 4)  # the engine has the other core
        self.most = most  # frames, where it is known that no more are whole
        self._capture: cv2.VideoCapture | None = None
        self._index = 0
        self._position_s: float | None = None
        self._said_s = self._shift_s = 0.0  # what the file said of the last frame, and what is added to that
        self.fps: float | None = None  # the file's rate, known when it is open
        self.frames = 0  # as its head says it; 0 where that says nothing

    def read(self) -> Frame | None:
        """The next frame, None after the last."""
        assert self._capture is not None
        if self.most is not None and self._index >= self.most:
            return None
        begun = time.monotonic()
        good, image = self._capture.read()
        if not good:
            if self._index == 0:
                raise SourceError(f"{self.path}: not one frame of it can be decoded")
            return None
        self._position_s = self._place(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        frame = Frame(
            np.asarray(image, np.uint8), self._index, begun, time.time(), self.name, position_s=self._position_s
        )
        self._index += 1
        return frame

    def _place(self, said_s: float) -> float | None:
        """Seconds from the begin: what the file says; where that does not go on, one frame of its rate further."""
        before, self._said_s = self._said_s, said_s
        if self._index == 0:
            return max(said_s, 0.0)
        if self._position_s is None:
            return None
        further = self._position_s + 1 / self.fps if self.fps else None
        if further is not None and said_s < before - RESTARTED_S:
            self._shift_s = further - said_s
        elif said_s > max(self._position_s, before + RESTARTED_S):
            self._shift_s = 0.0  # it was one odd time, not another recording
        place = said_s + self._shift_s
        return place if place > self._position_s else further

    def interrupt(self) -> None:
        """A read of a file does not wait."""

    def __enter__(self) -> VideoFile:
        if not Path(self.path).is_file():
            raise SourceError(f"{self.path}: no such file")
        silence_opencv()
        parameters = [cv2.CAP_PROP_N_THREADS, self.threads]
        self._capture = cv2.VideoCapture(opencv_path(self.path), cv2.CAP_FFMPEG, parameters)
        if not self._capture.isOpened():
            raise SourceError(f"{self.path}: is no video that can be decoded")
        self._index, self._position_s, self.fps = 0, None, self._capture.get(cv2.CAP_PROP_FPS) or None
        self._said_s = self._shift_s = 0.0
        self.frames = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
