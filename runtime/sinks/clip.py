"""One event's video: written whole beside its place, checked, synced and renamed, so that it is complete or absent."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..images import decode_image

__all__ = ["StillFrame", "write_clip"]

StillFrame = tuple[float, bytes]  # capture time in seconds, JPEG
LONGEST_GAP = 2.0  # seconds that a missing picture is stood in for


def write_clip(target: Path, frames: Sequence[StillFrame], fps: float) -> bool:
    """JPEG frames as an MP4 with their true timing; False, and nothing left behind, where the disk is full."""
    partial = target.with_name(f".{target.stem}.partial.mp4")
    try:
        written = _encode(partial, frames, fps)
        if not written or not _plays(partial, written):
            return False
        handle = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        partial.replace(target)
        _sync(target.parent)
    except OSError:
        return False
    else:
        return True
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _encode(path: Path, frames: Sequence[StillFrame], fps: float) -> int:
    """Frames written, each as often as its time asks for."""
    writer: cv2.VideoWriter | None = None
    size = (0, 0)
    written = 0
    start = frames[0][0]
    try:
        for i, (moment, data) in enumerate(frames):
            image = decode_image(data, "a kept picture")
            if writer is None:
                size = image.shape[1] // 2 * 2, image.shape[0] // 2 * 2
                writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
                if not writer.isOpened():
                    return 0
            if (image.shape[1], image.shape[0]) != size:
                image = np.asarray(cv2.resize(image, size), np.uint8)
            until = min(frames[i + 1][0], moment + LONGEST_GAP) if i + 1 < len(frames) else moment
            for _ in range(max(round((until - start) * fps) - written, 1)):
                writer.write(image)
                written += 1
    finally:
        if writer is not None:
            writer.release()
    return written


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


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
