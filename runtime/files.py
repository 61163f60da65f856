"""Writing files so that a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .errors import EdgelensError, WorkError

__all__ = ["replacing", "write_bytes", "write_text"]


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file to write that takes its place only when everything is on disk.

    A target that is not a regular file (a pipe, /dev/null) is written straight through.
    """
    target = Path(path)
    text = None if "b" in mode else "utf-8"
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with open(target, mode, encoding=text) as stream:  # noqa: PTH123
                yield stream
            return
        target = target.resolve()  # a link keeps pointing where it did
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            with open(partial, mode, encoding=text) as stream:  # noqa: PTH123
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(target)
            _sync_folder(target.parent)
        finally:
            partial.unlink(missing_ok=True)
    except EdgelensError:
        raise
    except OSError as error:
        raise WorkError(
            f"{path}: could not be written ({error.strerror or error}); what was there is unchanged"
        ) from error


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a whole file in one go, atomically."""
    with replacing(path) as stream:
        stream.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a whole UTF-8 text in one go, atomically."""
    write_bytes(path, text.encode())


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems have no folder to sync
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
