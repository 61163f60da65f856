"""Frames of a video as pictures of a data set: those that differ, written once to the cache and found by content."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import cv2

from ..errors import SourceError, WorkError
from ..host.owned import own_folder
from ..host.places import kept_folder
from ..images.burst import Burst
from ..sources.video import VideoFile

__all__ = ["MOST_FRAMES", "frames_of"]

MOST_FRAMES = 40  # of one video: more of the same seconds teach little
_APART_S = 0.4
_DIFFERENCE = 6.0  # gray levels on average from every frame taken before
_PROBED = 1 << 20  # bytes at a video's begin and end that tell it from others
_FPS = 25.0  # of a file that does not say


def frames_of(video: Path) -> dict[int, Path]:
    """A picture's file by the frame's number; a video of which nothing can be decoded has none."""
    folder = kept_folder() / f"frames-{_digest(video)}"
    try:
        own_folder(folder.parent)
    except OSError as error:
        raise _unwritable(folder, video, error) from None
    if not (folder / "complete").exists():
        _extract(video, folder)
    return {int(file.stem): file for file in sorted(folder.glob("*.jpg"))}


def _extract(video: Path, folder: Path) -> None:
    """Write the frames beside their place, then put them there as a whole."""
    beside = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        _write_frames(video, beside)
        (beside / "complete").touch()
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    except OSError as error:
        raise _unwritable(folder, video, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _unwritable(folder: Path, video: Path, error: OSError) -> WorkError:
    return WorkError(f"{folder}: frames of {video.name} cannot be kept there ({error.strerror or error})")


def _write_frames(video: Path, folder: Path) -> None:
    burst, kept = Burst(_DIFFERENCE), list[Path]()
    try:
        with VideoFile(str(video)) as source:
            fps = source.fps or _FPS
            step_s = max(_APART_S, source.frames / fps / MOST_FRAMES)
            due_s = 0.0
            while (frame := source.read()) is not None:
                # by its own time: the rate of a browser's recording is a guess, of a thousand frames a second even
                at_s = frame.index / fps if frame.position_s is None else frame.position_s
                if at_s < due_s or not burst.takes(frame.image):
                    continue
                if len(kept) == MOST_FRAMES:  # of a file that does not say how long it is
                    kept, step_s = _every_other(kept), 2 * step_s
                due_s = at_s + step_s
                data = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
                kept.append(folder / f"{frame.index:06d}.jpg")
                kept[-1].write_bytes(data.data)
    except SourceError:
        return


def _every_other(files: list[Path]) -> list[Path]:
    for file in files[1::2]:
        file.unlink()
    return files[::2]


def _digest(video: Path) -> str:
    size = video.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=12)
    with video.open("rb") as stream:
        digest.update(stream.read(_PROBED))
        stream.seek(max(size - _PROBED, 0))
        digest.update(stream.read(_PROBED))
    return digest.hexdigest()
