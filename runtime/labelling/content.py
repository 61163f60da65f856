"""What is in a picture or video, in few digits: by it another one of the same name is told from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageError

__all__ = ["Content", "content_of", "is_still"]

_END = 8 << 20  # bytes: pictures are read whole, of a video that would take minutes its two ends


@dataclass(frozen=True)
class Content:
    """A file's size, and the sha256 of its first and last eight megabytes."""

    bytes: int
    digest: str


def content_of(path: Path) -> Content:
    """What is in a file now."""
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256(file.read(_END))
            size = path.stat().st_size
            file.seek(max(size - _END, _END))
            digest.update(file.read(_END))
    except OSError as error:
        raise ImageError(f"{path}: could not be read ({error.strerror or error})") from None
    return Content(size, digest.hexdigest())


def is_still(path: Path, known: Content) -> bool:
    """Whether a file holds what is known; it is read only where its size is the same."""
    try:
        return path.stat().st_size == known.bytes and content_of(path) == known
    except OSError:
        return False
