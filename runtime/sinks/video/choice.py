"""Which video that browsers play can be made here: H.264 where OpenCV has an encoder, else VP8; found by trying."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from ...host.utf8 import is_utf8, opencv_path
from .protocol import Picture, Video

__all__ = ["CONTAINERS", "check_name", "opened", "played_by_browsers"]

H264, MOTION_JPEG = "avc1", "MJPG"
CONTAINERS = (".mp4", ".mov", ".mkv", ".webm", ".avi")
_OPENCV = {".mp4": H264, ".mov": H264, ".mkv": H264, ".avi": MOTION_JPEG}


def check_name(path: Path) -> None:
    """UsageError where no video can be called so."""
    if _OPENCV.get(path.suffix.lower()) == MOTION_JPEG:
        opencv_path(path)


def played_by_browsers(path: Path, size: tuple[int, int]) -> Path:
    """The name that a video of this size (width, height) gets: another ending where this one cannot be made here.

    An .avi is Motion JPEG, which everything but browsers plays; who writes .avi has asked for it.
    """
    fourcc = _OPENCV.get(path.suffix.lower())
    if fourcc in (None, MOTION_JPEG) or (is_utf8(path) and _can_write(path.suffix.lower(), size)):
        return path
    return path.with_suffix(".webm")


def opened(path: Path, first: Picture, fps: float, *, threads: int = 1) -> Video:
    """A video under way, of the kind that its ending says; `first` has its size."""
    size = first.shape[1], first.shape[0]
    fourcc = _OPENCV.get(path.suffix.lower())
    if fourcc is not None:
        from .constant_rate import ConstantRateFile

        return ConstantRateFile(path, size, fps, fourcc)
    from .webm import LARGEST, WebmFile

    shrink = min(LARGEST / max(size), 1.0)
    return WebmFile(path, (max(int(size[0] * shrink), 1), max(int(size[1] * shrink), 1)), threads)


@functools.lru_cache(maxsize=16)
def _can_write(suffix: str, size: tuple[int, int]) -> bool:
    from .constant_rate import writes

    with tempfile.TemporaryDirectory() as folder:
        return writes(Path(folder) / f"trial{suffix}", size, 10.0, _OPENCV[suffix])
