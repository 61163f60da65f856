"""The frames of a video that are worth labelling: taken once, and found again at a later start."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2

from ..errors import ImageError
from ..host.files import write_bytes, write_text
from ..host.numbered import numbered
from ..images.burst import Burst
from ..sources.video import VideoFile
from .content import Content, content_of, is_still

__all__ = ["Say", "frames_of"]

_QUALITY = 95
_SAID_EVERY = 20  # frames

Say = Callable[[str], None]


def frames_of(video: Path, folder: Path, *, most: int, differ: float, say: Say) -> list[Path]:
    """The frames of a video that differ from those before, in `folder`."""
    name = next(name for name in numbered(video.stem) if _is_of(video, _note(folder, name)))
    note = _note(folder, name)
    there = _there(folder, name)
    if note.exists() and there:
        return there
    kept = _taken(video, folder / name, most, differ, say)
    for file in {*there} - {*kept}:  # of a start that was stopped, and maybe of another video
        file.unlink()
    write_text(note, json.dumps(asdict(content_of(video))))
    say(f"{len(kept)} frames of {video.name} that differ lie in {folder}")
    return kept


def _note(folder: Path, name: str) -> Path:
    """What says that all frames of a name are there, and of which video."""
    return folder / f".{name}.complete"


def _is_of(video: Path, note: Path) -> bool:
    """Whether frames of this note are, or may be, the video's; earlier versions left the note empty."""
    try:
        said = json.loads(note.read_bytes())
        return is_still(video, Content(int(said["bytes"]), str(said["digest"])))
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _there(folder: Path, name: str) -> list[Path]:
    is_frame = re.compile(rf"{re.escape(name)}-\d{{6,}}\.jpg")
    return sorted(file for file in folder.glob("*.jpg") if is_frame.fullmatch(file.name))


def _taken(video: Path, stem: Path, most: int, differ: float, say: Say) -> list[Path]:
    stem.parent.mkdir(parents=True, exist_ok=True)
    burst, kept = Burst(differ), list[Path]()
    with VideoFile(str(video)) as source:
        while len(kept) < most and (frame := source.read()) is not None:
            if not burst.takes(frame.image):
                continue
            file = stem.with_name(f"{stem.name}-{frame.index:06d}.jpg")
            write_bytes(file, bytes(cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]))
            kept.append(file)
            if len(kept) % _SAID_EVERY == 0:
                say(f"{len(kept)} frames of {video.name} that differ")
    if not kept:
        raise ImageError(f"{video}: has no frame that can be read")
    return kept
