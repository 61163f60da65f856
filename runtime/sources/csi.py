"""A camera on the board's ribbon cable: `csi:0`, through the program that the board's maker ships for it."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from ..errors import ImageError, SourceError
from ..frame import Frame
from ..images.read import decode_image
from .jpeg_stream import JpegSplitter, Picture
from .last_words import LastWords
from .options.camera import CameraOptions

__all__ = ["CsiCamera", "has_csi_camera"]

START_S, STALL_S = 10.0, 2.0  # for the first picture of a camera that wakes up, and for every other
PIPE_BYTES = 1024 * 1024
RASPBERRY = ("rpicam-vid", "libcamera-vid")
JETSON = "gst-launch-1.0"
_ARGUS_LINES = re.compile(rb"(?:(?:GST_ARGUS|CONSUMER|Setting pipeline)[ -~\t]*\n|\n)+")
STRIDE = 64  # a Raspberry Pi pads rows of raw pictures to this; other widths come as JPEG


class CsiCamera:
    """Pictures from rpicam-vid (Raspberry Pi) or nvarguscamerasrc (Jetson), through a pipe."""

    live = True

    def __init__(self, spec: str, options: CameraOptions | None = None, *, name: str | None = None) -> None:
        self.name, self._number = name or spec, int(spec.partition(":")[2])
        options = options or CameraOptions()
        size = options.size or (1280, 720)
        self._width, self._height = size[0] // 2 * 2, size[1] // 2 * 2
        self._fps = options.camera_fps or 30.0
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: _RawPictures | _JpegPictures | None = None
        self._words: LastWords | None = None
        self._index = 0
        self._stopping = False

    def read(self) -> Frame | None:
        """The newest picture, or the next one."""
        assert self._reader is not None
        while not self._stopping:
            got = self._reader.next(START_S if self._index == 0 else STALL_S)
            if got is None:
                raise SourceError(self._why())
            image, captured = got
            if image is None:
                continue
            index, self._index = self._index, self._index + 1
            return Frame(image, index, captured, time.time() - (time.monotonic() - captured), self.name)
        return None

    def interrupt(self) -> None:
        """End the camera's program, so that a read that waits returns."""
        self._stopping = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def __enter__(self) -> CsiCamera:
        self._stopping, self._index = False, 0
        command, raw = self._command()
        quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=quiet, stdout=pipe, stderr=pipe, bufsize=0)
        except OSError as error:
            raise SourceError(f"{self.name}: the camera program does not start ({error.strerror or error})") from None
        assert self._process.stdout is not None and self._process.stderr is not None
        out, self._words = self._process.stdout, LastWords(self._process.stderr)
        self._reader = _RawPictures(out, self._width, self._height) if raw else _JpegPictures(out)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(0.3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            if self._words is not None:
                self._words.close()
        self._process = self._reader = self._words = None

    def _command(self) -> tuple[list[str], bool]:
        """The program that writes pictures to its standard output, and whether they are raw I420."""
        for program in RASPBERRY:
            if shutil.which(program):
                raw = self._width % STRIDE == 0
                size = ["--width", str(self._width), "--height", str(self._height), "--framerate", f"{self._fps:g}"]
                rest = ["--codec", "yuv420" if raw else "mjpeg", "--flush", "-o", "-"]
                return [program, "--camera", str(self._number), "-t", "0", "-n", *size, *rest], raw
        if shutil.which(JETSON):
            mode = f"width={self._width},height={self._height}"
            rate = f"framerate={round(self._fps)}/1"
            source = f"nvarguscamerasrc sensor-id={self._number} ! video/x-raw(memory:NVMM),{mode},{rate}"
            picture = f"nvvidconv ! video/x-raw,format=I420,{mode} ! fdsink fd=1 sync=false"
            return [JETSON, "-q", *f"{source} ! {picture}".split()], True
        raise SourceError(f"{self.name}: needs {RASPBERRY[0]} (Raspberry Pi) or {JETSON} (Jetson), and finds neither")

    def _why(self) -> str:
        """Why no picture came, with the program's last words."""
        assert self._process is not None and self._words is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        if self._process.poll() is None:
            return f"{self.name}: no picture came in time"
        word = self._words.last()
        return f"{self.name}: the camera program ended" + (f": {word[:200]}" if word else "")


class _RawPictures:
    """I420 pictures one behind the other."""

    def __init__(self, pipe: IO[bytes], width: int, height: int) -> None:
        self._pipe, self._width, self._height = pipe, width, height
        self._buffer = np.empty(width * height * 3 // 2, np.uint8)
        self._at_start = True
        os.set_blocking(pipe.fileno(), False)

    def next(self, patience_s: float) -> tuple[np.ndarray | None, float] | None:
        """A picture and when its first bytes came; None when they end or do not come."""
        filled, began, view = 0, 0.0, memoryview(self._buffer.data)
        while filled < len(view):
            if not select.select([self._pipe], [], [], patience_s)[0]:
                return None
            began = began or time.monotonic()
            count = self._pipe.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                return None
            filled += count
            filled -= self._without_text(filled)
        planes = self._buffer.reshape(self._height * 3 // 2, self._width)
        return cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), began

    def _without_text(self, filled: int) -> int:
        """How much was taken off the front: lines that nvarguscamerasrc prints where its pictures go."""
        head = self._buffer[: min(filled, 4096)].tobytes()
        text = _ARGUS_LINES.match(head) if self._at_start else None
        length = text.end() if text else 0
        if length:
            self._buffer[: filled - length] = self._buffer[length:filled].copy()
        self._at_start = self._at_start and filled - length == 0
        return length


class _JpegPictures:
    """JPEG pictures one behind the other; None in place of a damaged one."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._splitter = JpegSplitter()
        self._pictures: deque[Picture] = deque()

    def next(self, patience_s: float) -> tuple[np.ndarray | None, float] | None:
        """A picture and when its first bytes came; None when they end or do not come."""
        while not self._pictures:
            if not select.select([self._pipe], [], [], patience_s)[0]:
                return None
            chunk = self._pipe.read(PIPE_BYTES)
            if not chunk:
                return None
            self._pictures.extend(self._splitter.feed(chunk))
        picture = self._pictures.pop()
        self._pictures.clear()
        try:
            return decode_image(picture.data, "picture"), picture.began
        except ImageError:
            return None, picture.began


def has_csi_camera() -> bool:
    """Whether a board's own program finds a camera on a ribbon cable."""
    for program in RASPBERRY:
        if shutil.which(program):
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                listed = subprocess.run([program, "--list-cameras"], capture_output=True, timeout=5, check=False)
                said = (listed.stdout + listed.stderr).decode(errors="replace")
                return "Available cameras" in said and "No cameras available" not in said
    driver = Path("/sys/class/video4linux/video0/name")
    return bool(shutil.which(JETSON)) and driver.is_file() and "tegra" in driver.read_text(errors="replace")
