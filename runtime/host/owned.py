"""State, tokens, notes and keys: read and written only where no other user of this machine can have had a hand in it.

No link is followed, what was opened is what is asked about, and folders and files are this user's (or root's) alone to
write. Files that a person names on the command line are theirs to place: `files.py` writes those.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ..errors import WorkError
from .partials import new_partial, partial_name, sweep

__all__ = ["create_own", "own_folder", "read_own", "read_secret", "replacing_own", "write_own"]

_MOST_BYTES = 16 * 1024 * 1024


def own_folder(path: Path) -> Path:
    """The folder, made where there is none; refused where another user owns it or may write in it."""
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.mkdir(mode=0o700)
    os.close(_opened_folder(path))
    return path


def read_own(path: Path, most: int = _MOST_BYTES) -> bytes:
    """A file's bytes; a link, a pipe, another user's file and one that others may write are refused."""
    with _opened_file(path, os.O_NOFOLLOW) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise WorkError(f"{path}: is larger than the {most} bytes that it may have")
    return data


def read_secret(path: Path, most: int = 4096) -> bytes:
    """A secret's bytes, where nobody but its owner and root can have read it; a person may name it by a link."""
    with _opened_file(path) as stream:
        if os.fstat(stream.fileno()).st_mode & 0o077:
            raise WorkError(f"{path}: others can read it; run: chmod 600 {path}")
        return stream.read(most)


def write_own(path: Path, data: bytes) -> None:
    """Write a whole file that only this user can read, atomically; a link in its place is replaced, not followed."""
    with replacing_own(path) as stream:
        stream.write(data)


@contextlib.contextmanager
def replacing_own(path: Path) -> Iterator[IO[bytes]]:
    """The same of a file that is written in parts; where one fails, what was there stays."""
    with _beside(path, os.rename) as stream:
        yield stream


def create_own(path: Path, data: bytes) -> bool:
    """The same where there is no file yet; False, and nothing is changed, where there is one."""
    try:
        with _beside(path, os.link) as stream:
            stream.write(data)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def _beside(path: Path, place: Callable[..., None]) -> Iterator[IO[bytes]]:
    """A file beside its place, which it takes when all of it is on disk."""
    folder = _opened_folder(own_folder(path.parent))
    partial = partial_name(path.name)
    try:
        sweep(folder)  # what is kept here may be faces
        try:
            with os.fdopen(new_partial(partial, 0o600, folder=folder), "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                place(partial, path.name, src_dir_fd=folder, dst_dir_fd=folder)  # while its lock keeps it from a sweep
            os.fsync(folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial, dir_fd=folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _opened_file(path: Path, flags: int = 0) -> Iterator[IO[bytes]]:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise WorkError(f"{path}: is no regular file")
        _check_owner(path, status)
        with os.fdopen(handle, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(handle)


def _opened_folder(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise WorkError(f"{path}: is no folder of its own ({error.strerror}): remove what is there") from None
    try:
        _check_owner(path, os.fstat(handle))
    except WorkError:
        os.close(handle)
        raise
    return handle


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise WorkError(f"{path}: belongs to another user of this machine (number {status.st_uid}): remove it")
    shared_group = status.st_gid != status.st_uid  # equal numbers: the group that a user has alone
    if status.st_mode & (stat.S_IWOTH | (stat.S_IWGRP if shared_group else 0)):
        raise WorkError(f"{path}: other users of this machine may write it; run: chmod go-w {path}")
