"""Keeping a folder of recordings within a size, an age and what the disk has to spare."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Quota"]


@dataclass(frozen=True)
class Quota:
    """Limits for the files under a folder whose names match; nothing else there is ever touched."""

    folder: Path
    names: re.Pattern[str]
    most_bytes: int
    most_age_s: float = float("inf")
    keep_free_bytes: int = 200 * 1024 * 1024

    def make_room(self, wanted: int) -> bool:
        """Delete what is too old, then the oldest, until `wanted` more bytes fit; False where they cannot."""
        files = sorted(self._files())
        used = sum(size for _, size, _ in files)
        oldest_allowed = time.time() - self.most_age_s
        free = self._free()
        for modified, size, path in files:
            fits = used + wanted <= self.most_bytes and free - wanted >= self.keep_free_bytes
            if fits and modified >= oldest_allowed:
                break
            with contextlib.suppress(OSError):
                Path(path).unlink()
                used, free = used - size, free + size
        return used + wanted <= self.most_bytes and self._free() - wanted >= self.keep_free_bytes

    def used(self) -> int:
        """Bytes of the files that count."""
        return sum(size for _, size, _ in self._files())

    def clear_partials(self) -> None:
        """Remove what a run left half-written."""
        for path in self.folder.rglob(".*.partial*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _files(self) -> list[tuple[float, int, str]]:
        """When each was changed, its size and its path, which stays a text: there may be very many."""
        found, folders = [], [str(self.folder)]
        while folders:
            with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif self.names.fullmatch(entry.name):
                        with contextlib.suppress(OSError):  # gone meanwhile
                            status = entry.stat(follow_symlinks=False)
                            found.append((status.st_mtime, status.st_size, entry.path))
        return found

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0
