"""The few operations on a device's disk that a deploy is made of, each durable before the next begins."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["Disk"]


class Disk:
    """Write, move, link and remove; a test takes one that stops after any of them."""

    def folder(self, path: Path) -> None:
        """A folder and those above it."""
        path.mkdir(parents=True, exist_ok=True)
        self.sync(path.parent)

    def write(self, path: Path, data: bytes) -> None:
        """A whole file, on disk when this returns; not atomic, so only where nobody looks yet."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # a slot may hold logins
        with open(handle, "wb") as stream:  # noqa: PTH123 (a descriptor)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Move in one step; a file or link at the target is replaced."""
        source.rename(target)
        self.sync(target.parent)

    def link(self, path: Path, target: str) -> None:
        """Point a symbolic link elsewhere, in one step."""
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        self.rename(new, path)

    def remove(self, path: Path) -> None:
        """A folder and what is in it, which may be absent."""
        shutil.rmtree(path, ignore_errors=True)

    def sync(self, folder: Path) -> None:
        """A folder's names are on disk."""
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
