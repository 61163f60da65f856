"""Labelled pictures and snapshots from the page, in class folders that `edgelens train` takes."""

from __future__ import annotations

import errno
import re
import time
from pathlib import Path

import cv2
import numpy as np

from ...errors import UsageError, WorkError
from ...host.files import write_bytes
from ...preprocess import Region
from ...result import Result

__all__ = ["Collector", "FullDiskError", "class_folder"]

_LABEL = re.compile(r"[^\W_][\w .+()-]{0,63}")
_RESERVED = frozenset({"con", "prn", "aux", "nul"})
KEEP_FREE_BYTES = 256 * 1024 * 1024


class FullDiskError(WorkError):
    """There is no room for a picture now; there may be later."""


def class_folder(label: str) -> str:
    """A label as the name of its folder; anything that could be read as a path is refused."""
    name = label.strip()
    if not _LABEL.fullmatch(name) or name.endswith((".", " ")) or name.lower() in _RESERVED:
        raise UsageError("a label is 1 to 64 letters, digits, spaces and any of . + - _ ( ), and starts with a letter")
    return name


class Collector:
    """Writes pictures under one folder; the names of files are made here, never taken from outside."""

    def __init__(self, folder: Path, *, most: int = 20000, keep_free_bytes: int = KEEP_FREE_BYTES) -> None:
        self.folder, self._most, self._keep_free = folder, most, keep_free_bytes
        self._counts: dict[str, int] = {}

    def keep(self, result: Result, label: str, region: Region | None = None) -> dict[str, object]:
        """Save a frame, or the region of it that is recognized, under a label; says where and how many there are."""
        name = class_folder(label)
        target = self.folder / name
        image = result.frame.image
        if region is not None:
            region.check(*result.frame.size, result.frame.source)
            x, y, w, h = region.pixels(*result.frame.size)
            image = np.ascontiguousarray(image[y : y + h, x : x + w])
        if self.count(name) >= self._most:
            raise WorkError(f"{name}: {self._most} pictures are enough")
        _check_space(self.folder, self._keep_free)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(result.frame.time))
        file = target / f"{stamp}-{time.monotonic_ns() // 1000 % 10**9:09d}.jpg"
        _write(file, bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]))
        self._counts[name] += 1
        return {"label": name, "file": file.name, "count": self._counts[name]}

    def count(self, label: str) -> int:
        """How many pictures a label has."""
        if label not in self._counts:
            folder = self.folder / label
            self._counts[label] = sum(1 for _ in folder.glob("*.jpg")) if folder.is_dir() else 0
        return self._counts[label]

    def counts(self) -> dict[str, int]:
        """Pictures a label, for all labels that have a folder."""
        if self.folder.is_dir():
            for entry in self.folder.iterdir():
                if entry.is_dir() and not entry.name.startswith("."):
                    self.count(entry.name)
        return dict(sorted(self._counts.items()))


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, data)
    except (OSError, WorkError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        why = f"{file.parent}: {(isinstance(cause, OSError) and cause.strerror) or error}; nothing was saved"
        full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (FullDiskError if full else WorkError)(why) from error


def _check_space(folder: Path, keep_free_bytes: int) -> None:
    import shutil

    there = next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))
    if shutil.disk_usage(there).free < keep_free_bytes:
        raise FullDiskError(f"{folder}: less than {keep_free_bytes // 2**20} MB free; nothing was saved")
