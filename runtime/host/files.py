"""Writing files so that a reader finds the old one or the new one, never half of one.

A link in a file's place is replaced; it is followed only where a person `named` the file, and keeps pointing there.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import EdgelensError, UsageError, WorkError
from .partials import new_partial, partial_name, sweep

__all__ = [
    "are_one",
    "check_kind",
    "check_place",
    "replacing",
    "sync_folder",
    "write_bytes",
    "write_text",
    "write_together",
]


def are_one(one: Path, other: Path) -> bool:
    """Whether two paths are the same file; one that is not there is none."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def check_place(path: str | os.PathLike[str], option: str) -> None:
    """Refuse a file that could not be written before the work that would fill it; `option` is what names it."""
    target = Path(path).resolve()
    if target.is_dir():
        raise UsageError(f"{option} {path}: is a folder; name a file in it")
    if not target.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {Path(path).parent}")
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        return  # a pipe's reader would take a trial for the content
    trial = _beside(target)
    try:
        with _new(trial, "wb") as stream:
            stream.write(b"\n")  # a disk that is full still makes empty files
    except OSError as error:
        raise WorkError(f"{option} {path}: cannot be written there ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            trial.unlink(missing_ok=True)


def check_kind(path: str | os.PathLike[str], option: str, what: str, begins: bytes) -> None:
    """Refuse a file of another kind than `what` is to be written there: one that does not begin as that `begins`."""
    target = Path(path)
    try:
        if not target.is_file():
            return
        with target.open("rb") as stream:
            head = stream.read(len(begins))
    except OSError as error:
        raise WorkError(f"{option} {path}: could not be read ({error.strerror or error})") from None
    if head not in (b"", begins):
        raise UsageError(f"{option} {path}: is a file that is no {what}; name another, or take that one away")


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "wb", *, named: bool = False) -> Iterator[IO[Any]]:
    """Open a file to write that takes its place only when everything is on disk.

    A target that is not a regular file (a pipe, /dev/null) is written straight through.
    """
    with _staged(path, mode, named) as file:
        yield file.stream
        file.settle()
        file.place()


def write_bytes(path: str | os.PathLike[str], data: bytes, *, named: bool = False) -> None:
    """Write a whole file in one go, atomically."""
    write_together([(path, data)], named=named)


def write_text(path: str | os.PathLike[str], text: str, *, named: bool = False) -> None:
    """Write a whole UTF-8 text in one go, atomically."""
    write_bytes(path, text.encode(), named=named)


def write_together(files: Iterable[tuple[str | os.PathLike[str], bytes]], *, named: bool = False) -> None:
    """Write files of which none takes its place before all are on disk; they take them in their order."""
    with contextlib.ExitStack() as partials:
        ready = []
        for path, data in files:
            file = partials.enter_context(_staged(path, "wb", named))
            file.stream.write(data)
            file.settle()
            ready.append(file)
        for file in ready:
            with _one_line(file.asked):
                file.place()


@dataclass(frozen=True)
class _Staged:
    """A file being written; `partial` is None where it is written straight through."""

    asked: str | os.PathLike[str]
    target: Path
    partial: Path | None
    stream: IO[Any]

    def settle(self) -> None:
        """All that was written is on disk."""
        self.stream.flush()
        if self.partial is not None:
            os.fsync(self.stream.fileno())

    def place(self) -> None:
        """The file is where it was asked for."""
        if self.partial is not None:
            self.partial.replace(self.target)
            sync_folder(self.target.parent)


@contextlib.contextmanager
def _staged(path: str | os.PathLike[str], mode: str, named: bool) -> Iterator[_Staged]:
    target = Path(path)
    text = None if "b" in mode else "utf-8"
    with _one_line(path):
        followed = named or not target.is_symlink()
        if followed and target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with open(target, mode, encoding=text) as stream:  # noqa: PTH123
                yield _Staged(path, target, None, stream)
            return
        target = target.resolve() if named else target
        partial = _beside(target)
        sweep(target.parent, of=target.name)
        try:
            with _new(partial, mode, text) as stream:
                yield _Staged(path, target, partial, stream)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _one_line(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except EdgelensError:
        raise
    except OSError as error:
        raise WorkError(
            f"{path}: could not be written ({error.strerror or error}); what was there is unchanged"
        ) from error


def _beside(target: Path) -> Path:
    """Where a file is written until it is whole."""
    return target.with_name(partial_name(target.name))


def _new(path: Path, mode: str, encoding: str | None = None) -> IO[Any]:
    """A file that this process makes."""
    return open(path, mode, encoding=encoding, opener=lambda name, _: new_partial(name, 0o666))


def sync_folder(folder: Path) -> None:
    """Have the disk know which files a folder has: a file whose name is lost is lost."""
    with contextlib.suppress(OSError):  # some file systems have no folder to sync
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
