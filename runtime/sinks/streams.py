"""Text that sinks append to a file, a pipe, or stdout for `-`: whole pieces, whatever the disk does."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import UsageError

__all__ = ["AppendedText"]


class AppendedText:
    """Each piece is in the file as a whole or not at all; after a failure the file is opened again with the next one.

    `head` is what a file begins with that has nothing in it yet, whenever that is found out.
    """

    def __init__(self, path: str, head: Callable[[], str] = lambda: "") -> None:
        self.path, self._head = path, head
        self._handle: int | None = None

    def append(self, text: str) -> None:
        """Write and flush; OSError where not all of it could be, and none of it is there then."""
        data = text.encode("utf-8", "backslashreplace")
        if self.path == "-":
            sys.stdout.flush()
            if (handle := _standard_output()) is None:
                sys.stdout.write(text)
                sys.stdout.flush()
            else:
                self._write(handle, data)
            return
        if self._handle is not None and self._is_elsewhere(self._handle):
            self._close()
        if self._handle is None:
            self._handle = self._opened()
        try:
            self._write(self._handle, data)
        except OSError:
            self._close()
            raise

    @property
    def gone(self) -> bool:
        """Whether the file was deleted: what is written would be nowhere."""
        return self._handle is not None and os.fstat(self._handle).st_nlink == 0

    def __enter__(self) -> AppendedText:
        if self.path == "-":
            if head := self._head():
                self.append(head)
            return self
        try:
            self._handle = os.open(self.path, _FLAGS, 0o666)
            with contextlib.suppress(OSError):  # a disk that is full now may have room for what comes
                self._begin(self._handle)
        except OSError as error:
            raise UsageError(f"{self.path}: could not be opened to write ({error.strerror or error})") from None
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def _is_elsewhere(self, handle: int) -> bool:
        """Whether another file is there now, or none: a log that grows for weeks is moved away under who writes it."""
        own = os.fstat(handle)
        try:
            there = Path(self.path).stat()
        except OSError:
            return stat.S_ISREG(own.st_mode)
        return stat.S_ISREG(own.st_mode) and (there.st_dev, there.st_ino) != (own.st_dev, own.st_ino)

    def _opened(self) -> int:
        handle = os.open(self.path, _FLAGS, 0o666)
        try:
            self._begin(handle)
        except OSError:
            os.close(handle)
            raise
        return handle

    def _begin(self, handle: int) -> None:
        """What a file must have before the next piece: its head, and an end to a line that a crash has cut."""
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            if head := self._head():
                self._write(handle, head.encode())
        elif status.st_size == 0:
            self._write(handle, self._head().encode())
        elif not _ends_a_line(self.path):
            self._write(handle, b"\n")

    def _write(self, handle: int, data: bytes) -> None:
        left, before = memoryview(data), os.fstat(handle).st_size
        try:
            while left:
                left = left[os.write(handle, left) :]
        except OSError:
            written = len(data) - len(left)
            with contextlib.suppress(OSError):  # a pipe has no end to be moved
                if written and os.fstat(handle).st_size == before + written:  # nobody else has written since
                    os.ftruncate(handle, before)
                    os.lseek(handle, before, os.SEEK_SET)
            raise

    def _close(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            os.close(handle)


_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def _standard_output() -> int | None:
    """Its descriptor; None where something else stands in for it."""
    try:
        return sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _ends_a_line(path: str) -> bool:
    with Path(path).open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"
