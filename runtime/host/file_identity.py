"""Which file was opened: whether its path still means that one, and what its hash is."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from pathlib import Path

__all__ = ["FileIdentity"]


class FileIdentity:
    """A file as it was when this was made; without a path it is no file at all."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._stamp = path, _stamp(path)

    @property
    def still_there(self) -> bool:
        """Whether nobody has replaced it or written to it since."""
        return self._stamp == _stamp(self._path)

    @functools.cached_property
    def sha256(self) -> str:
        """As `sha256sum` says it; empty where it is no longer the file that was opened."""
        if self._path is None or not self.still_there:
            return ""
        digest = hashlib.sha256()
        with contextlib.suppress(OSError), self._path.open("rb") as stream:
            while block := stream.read(1 << 18):
                digest.update(block)
            return digest.hexdigest()
        return ""


def _stamp(path: Path | None) -> tuple[int, ...]:
    """What changes when a file is replaced or written to."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        status = None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns) if status is not None else ()
