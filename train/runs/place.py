"""A run's folder: made where there is none, and one process's alone while it trains there.

Who trains holds a lock on the folder itself, which the kernel takes back however the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.files import write_bytes
from edgelens.runtime.host.partials import sweep

__all__ = ["free_folder", "held"]


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """A folder that can be written and in which no other process trains; one that stays empty is taken away again."""
    with _made(folder), _locked(folder):
        _check_writable(folder)
        yield


@contextlib.contextmanager
def free_folder(first: Path) -> Iterator[Path]:
    """A new folder of this name, or of it with `-2`, `-3`, …; taken away again where nothing was put into it."""
    with contextlib.ExitStack() as made:
        for number in itertools.count(1):
            folder = first if number == 1 else first.with_name(f"{first.name}-{number}")
            with contextlib.suppress(FileExistsError):
                made.enter_context(_made(folder, new=True))
                break
        yield folder


@contextlib.contextmanager
def _made(folder: Path, *, new: bool = False) -> Iterator[None]:
    """A folder that is there; of those that were made for it the empty ones are taken away in the end."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=not new)
    except FileExistsError:
        if new and folder.exists():
            raise
        raise _unwritable(folder, "there is a file in its place") from None
    except OSError as error:
        raise _unwritable(folder, error.strerror or error) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # there is something in it
            for each in missing:
                each.rmdir()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(folder, error.strerror or error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(f"{folder}: a training is at work in it; wait for it, or choose another --out") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(handle)


def _check_writable(folder: Path) -> None:
    probe = folder / ".probe"
    try:
        sweep(folder)
        write_bytes(probe, b"x")
        probe.unlink()
    except (OSError, WorkError) as error:
        raise _unwritable(folder, getattr(error, "strerror", None) or error) from None


def _unwritable(folder: Path, reason: object) -> UsageError:
    return UsageError(f"--out {folder}: cannot be written to ({reason}); choose another folder")
