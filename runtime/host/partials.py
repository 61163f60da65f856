"""Files that are written beside their place until they are whole; what a killed writer left of one is taken away.

A writer holds a lock on its file: whether one that is found has a writer still is asked of the kernel, not of a process
number, which another process may have by now, or which may be one of another container.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import threading
import time
from pathlib import Path

__all__ = ["new_partial", "partial_name", "sweep"]

_NAME = re.compile(r"\.(?P<of>.+?)\.\d+(\.\d+)?\.partial", re.DOTALL)
_TRIES, _PAUSE_S = 50, 0.002  # a sweep holds the lock for as long as it takes to look


def partial_name(name: str) -> str:
    """What a file is called until it is whole."""
    return f".{name}.{os.getpid()}.{threading.get_ident()}.partial"


def new_partial(path: str | os.PathLike[str], mode: int, *, folder: int | None = None) -> int:
    """A new file, open to write and locked; in a folder of everybody's another user may have put a link there first."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path, dir_fd=folder)  # of a process that had the same number
        handle = os.open(path, flags, mode, dir_fd=folder)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # swept away before it was locked


def sweep(folder: int | Path, of: str | None = None) -> None:
    """Take away what killed writers left in a folder, or of one file in it; a file with a writer stays."""
    if isinstance(folder, Path):
        with contextlib.suppress(OSError):
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                sweep(opened, of)
            finally:
                os.close(opened)
        return
    with os.scandir(folder) as entries:
        found = [(entry.name, match["of"]) for entry in entries if (match := _NAME.fullmatch(entry.name)) is not None]
    for name, written in found:
        if of in (None, written):
            with contextlib.suppress(OSError):
                _take_away(name, folder)


def _take_away(name: str, folder: int) -> None:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        opened = os.fstat(handle)
        if not stat.S_ISREG(opened.st_mode):
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError where its writer lives
        if os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino == opened.st_ino:
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock it, as far as the file system can; who else has it open is not waited for without end."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        except OSError:
            return
        else:
            return
