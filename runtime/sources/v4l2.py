"""A V4L2 camera: `/dev/video0` or its number."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path

import cv2
import numpy as np

from ..errors import SourceError
from ..frame import Frame
from .options.camera import CameraOptions
from .silence import silence_opencv

__all__ = ["V4l2Camera", "cameras"]

STALL_S = 2
_QUERYCAP = 0x80685600
_CAPTURE, _MEMORY_TO_MEMORY = 0x1, 0x8000 | 0x4000
# nodes that say "capture" and give raw sensor data or belong to a codec; these sensors are `csi:0`
_NO_CAMERAS = (
    "bcm2835-codec",
    "bcm2835-isp",
    "bcm2835 mmal",
    "unicam",
    "rp1-cfe",
    "pispbe",
    "rpi-hevc",
    "rpivid",
    "tegra",
)


class V4l2Camera:
    """A camera behind /dev/videoN."""

    live = True

    def __init__(self, device: str, options: CameraOptions | None = None, *, name: str | None = None) -> None:
        self.device = f"/dev/video{device}" if device.isdigit() else device
        self.name, self._options = name or self.device, options or CameraOptions()
        self._capture: cv2.VideoCapture | None = None
        self._index = 0

    def read(self) -> Frame:
        """The next picture."""
        assert self._capture is not None
        if not self._capture.grab():
            raise SourceError(f"{self.device}: gives no picture: is it unplugged, or used by another program?")
        captured, now = self._moment(), time.time()
        good, image = self._capture.retrieve()
        if not good:
            raise SourceError(f"{self.device}: gave a picture that cannot be decoded")
        frame = Frame(np.asarray(image, np.uint8), self._index, captured, now, self.name)
        self._index += 1
        return frame

    def interrupt(self) -> None:
        """The driver's wait ends by its own timeout."""

    def __enter__(self) -> V4l2Camera:
        if not Path(self.device).exists():
            there = ", ".join(cameras()) or "none"
            raise SourceError(f"{self.device}: no such camera; there are: {there}")
        silence_opencv()
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(STALL_S))  # it would be 10 s
        capture = cv2.VideoCapture(self.device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceError(f"{self.device}: cannot be opened: is another program using it, may this user read it?")
        (width, height), fps = self._options.size or (0, 0), self._options.camera_fps or 0
        if width > 640 or fps > 30:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw YUYV is too much for USB 2
        for prop, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, fps),
            (cv2.CAP_PROP_BUFFERSIZE, 2),
        ):
            if value:
                capture.set(prop, value)
        self._capture, self._index = capture, 0
        return self

    def __exit__(self, *exc: object) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _moment(self) -> float:
        """When the driver says the picture was taken (monotonic seconds), else now."""
        assert self._capture is not None
        now, stamp = time.monotonic(), self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        return stamp if 0 <= now - stamp < 2 else now


def cameras() -> tuple[str, ...]:
    """The cameras that OpenCV can read, by number."""
    nodes = sorted(Path("/dev").glob("video[0-9]*"), key=lambda node: int(node.name[5:]))
    return tuple(str(node) for node in nodes if _is_camera(node))


def _is_camera(node: Path) -> bool:
    try:
        with node.open("rb", buffering=0) as handle:
            answer = fcntl.ioctl(handle, _QUERYCAP, bytes(104))
    except OSError:
        return False
    driver, card, capabilities = answer[:16], answer[16:48], struct.unpack_from("<I", answer, 88)[0]
    said = (driver.split(b"\0")[0] + b" " + card.split(b"\0")[0]).decode(errors="replace").lower()
    return (
        bool(capabilities & _CAPTURE)
        and not capabilities & _MEMORY_TO_MEMORY
        and not any(n in said for n in _NO_CAMERAS)
    )
