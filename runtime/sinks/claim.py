"""Files that one process at a time holds; the second process takes a numbered one."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..host.numbered import numbered

__all__ = ["Claim", "claimed", "first_free", "numbered_files"]


class Claim:
    """A place that is this process's until it is closed, or the process is gone, however it went."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self._handle = path, handle

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._handle)


def claimed(path: Path) -> Claim | None:
    """The claim on a place, None where another process holds it."""
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # a file system without locks: one process has to do
        pass
    return Claim(path, handle)


def first_free(path: Path) -> Claim:
    """`box`, or `box-2`, `box-3`, … where other processes hold those before."""
    return next(claim for name in numbered(path.stem) if (claim := claimed(path.with_stem(name))) is not None)


def numbered_files(path: Path) -> Iterator[Path]:
    """Those of a place's files that exist: `box`, `box-2`, …"""
    wanted = re.compile(rf"{re.escape(path.stem)}(-\d+)?{re.escape(path.suffix)}")
    return (file for file in sorted(path.parent.iterdir()) if wanted.fullmatch(file.name))
