"""Keeping a folder of recordings within a size, an age and what the disk has to spare."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .lived_time import LivedTime

__all__ = ["NO_ROOM", "Quota"]

NO_ROOM = "no room on the disk, or less than is to stay free"
SHARE = 0.95  # of a small disk's room that is counted on: file systems need some for themselves
AHEAD_S = 60.0  # a clock may be set by so much without anybody's noticing

_Together = tuple[float, int, tuple[str, ...]]  # when changed last, bytes on the disk, the files of one name


@dataclass(frozen=True)
class Quota:
    """Limits for the files under a folder whose names match; nothing else there is ever touched.

    Files go when they are too old, and the oldest when there are too many: never because others have filled the disk.
    Those of one name but for its ending, a clip and what lies beside it, go together.
    """

    folder: Path
    names: re.Pattern[str]
    most_bytes: int
    most_age_s: float = float("inf")
    keep_free_bytes: int = 200 * 1024 * 1024
    lived: LivedTime | None = None  # without it the wall clock says how old a file is
    asked_bytes: int = 0  # what it may grow to where the disk has more room later

    def settled(self) -> Quota:
        """The limits with no more bytes than the disk has room for now: what fills it up is then this quota's own."""
        most = int(min(self.most_bytes, self._with_room(self.used(), self._free())))
        return replace(self, most_bytes=most, asked_bytes=self.most_bytes)

    def make_room(self, wanted: int) -> bool:
        """Delete what is too old, and the oldest until `wanted` more bytes fit; False where they cannot."""
        files = self._oldest_first()
        used, free = sum(size for _, size, _ in files), self._free()
        most = max(self.most_bytes, min(self.asked_bytes, self._with_room(used, free)))
        too_old: list[str] = []
        oldest: list[str] = []
        for modified, size, paths in files:
            if self._age(modified) > self.most_age_s:
                too_old += paths
            elif used + wanted > most:
                oldest += paths
            else:
                continue
            used, free = used - size, free + size
        fits = used + wanted <= most and free - wanted >= self.keep_free_bytes
        for path in (*too_old, *(oldest if fits else ())):
            with contextlib.suppress(OSError):
                Path(path).unlink()
        return fits

    def used(self) -> int:
        """Bytes of the files that count."""
        return sum(size for _, size, _ in self._files())

    def clear_partials(self) -> None:
        """Remove what a run left half-written."""
        for path in self.folder.rglob(".*.partial*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _with_room(self, used: int, free: float) -> float:
        """The bytes that are used, and what the disk has to spare."""
        return used + max(free - self.keep_free_bytes, 0) * SHARE

    def _oldest_first(self) -> list[_Together]:
        files = self._files()
        now = time.time() + AHEAD_S
        # what is of the future was written before the clock was set back: before all that is being written now
        files.sort(key=lambda file: (file[0] <= now, file[0]))
        if self.lived is not None:
            self.lived.look(max((modified for modified, _, _ in files), default=None))
        return files

    def _files(self) -> list[_Together]:
        """All that counts; paths stay texts: there may be very many."""
        found: dict[str, _Together] = {}
        folders = [str(self.folder)]
        while folders:
            with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif self.names.fullmatch(entry.name):
                        with contextlib.suppress(OSError):  # gone meanwhile
                            status = entry.stat(follow_symlinks=False)
                            size = max(status.st_size, status.st_blocks * 512)
                            name = os.path.splitext(entry.path)[0]  # noqa: PTH122
                            modified, others, paths = found.get(name, (0.0, 0, ()))
                            found[name] = max(modified, status.st_mtime), others + size, (*paths, entry.path)
        return list(found.values())

    def _age(self, modified: float) -> float:
        return time.time() - modified if self.lived is None else self.lived.age(modified)

    def _free(self) -> float:
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:  # no disk at all: whoever writes will see
            return float("inf")
