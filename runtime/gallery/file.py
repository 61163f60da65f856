"""A gallery's file: records are put behind one another and synced; taking away writes the file anew.

Nothing that was acknowledged is lost: a record counts when it is on disk, and what a dying process left half-written is
cut before the next one. A damaged record is passed over and stays where it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, UsageError, WorkError
from ..host.clock import now
from ..host.files import replacing, sync_folder
from ..host.owned import own_folder, replacing_own
from ..host.partials import sweep
from .exemplar import Exemplar, checked_name
from .record import EXEMPLAR, HEAD, MAGIC, Broken, Record, packed, read_picture, record_at, records

__all__ = ["FORMAT", "GalleryFile", "Kept", "Scanned", "vector_of"]

FORMAT = (1, 0)  # of a newer minor version unknown keys are passed over, a newer major one is refused
_MOST_WIDTH = 32 * 1024
_LONGEST_SPACE = 4096  # characters
_LATEST = 1e11  # seconds since 1970


@dataclass(frozen=True)
class Kept:
    """What a record says of its exemplar, without the picture."""

    name: str
    vector: bytes  # float16
    when: float
    source: str
    lesson: str
    at: int  # where its record starts
    pictured: bool = False  # whether a picture is kept with it


@dataclass(frozen=True)
class Scanned:
    """How far a file was looked through, and what it is."""

    feature_space: str
    width: int
    damaged: int  # records, or stretches of them
    whole: int  # where the last whole record, or what is damaged, ends: the next one is put there
    identity: str  # of the file: one that was written anew has another
    torn: bool = False  # whether a record begins at `whole` whose end is missing


class GalleryFile:
    """One gallery on disk; several processes may have it open, one writes at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether there is one."""
        return self.path.is_file()

    def beginning(self) -> Scanned:
        """Whose features it holds."""
        with self._opened() as stream:
            return self._beginning(stream)

    def check_space(self, feature_space: str, width: int) -> None:
        """Refuse to go on where it holds another network's features."""
        _check_space(self.path, self.beginning(), feature_space, width)

    def scan(self, take: Callable[[Kept], None], since: Scanned | None = None) -> Scanned:
        """Give out each exemplar in turn; of the file that `since` speaks of only those behind it.

        Where the file was written anew, `identity` of what is returned is another one, and all of it was given out.
        """
        with self._opened() as stream:
            return self._scan(stream, since, take)

    def append(self, feature_space: str, exemplars: Iterable[Exemplar]) -> None:
        """Put exemplars behind the others; they are on disk when this returns, or none of them counts."""
        rows = list(exemplars)
        data = b"".join(map(_record_of, rows))
        with self._alone():
            if not self.exists():
                self._write_anew(feature_space, len(rows[0].vector), [data])
                return
            with self._opened("r+b") as stream:
                there = self._scan(stream, None, _nothing)
                _check_space(self.path, there, feature_space, len(rows[0].vector))
                self._put(stream.fileno(), there.whole, data)

    def carry_out(self, feature_space: str, width: int, exemplars: Iterable[Exemplar]) -> None:
        """Write them as a gallery that somebody asked for at this place; only this user can read it."""
        with replacing(self.path, named=True) as out:
            os.fchmod(out.fileno(), 0o600)  # faces may be in it, and the folder may be everybody's
            for part in _parts(feature_space, width, map(_record_of, exemplars)):
                out.write(part)

    def rewrite(self, change: Callable[[int, Exemplar], Exemplar | None], *, identity: str | None = None) -> None:
        """Write the file anew with what `change` makes of each exemplar (its place, itself); None where it goes.

        Who goes by places gives the `identity` of the file that they are of: another one is left as it is.
        """
        with self._alone(), self._opened() as stream:
            there = self._beginning(stream)
            if identity not in (None, there.identity):
                return
            kept = (change(i, exemplar) for i, exemplar in enumerate(self._exemplars(stream)))
            self._write_anew(there.feature_space, there.width, (_record_of(e) for e in kept if e is not None))

    def delete(self) -> None:
        """Take it away whole, whatever is in it."""
        if not self.path.is_symlink() and not self.exists():
            raise DataError(f"{self.path}: there is no such gallery")
        with self._alone():
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                raise WorkError(f"{self.path}: could not be taken away ({error.strerror or error})") from error
            sync_folder(self.path.parent)

    def exemplars(self) -> Iterator[Exemplar]:
        """All of them with their pictures, in the order in which they came."""
        with self._opened() as stream:
            yield from self._exemplars(stream)

    def picture(self, at: int, identity: str) -> bytes:
        """The picture of the record that starts there; empty where there is none, or the file is another one."""
        try:
            with self._opened() as stream:
                return read_picture(stream, at) if self._beginning(stream).identity == identity else b""
        except DataError:
            return b""

    def _scan(self, stream: IO[bytes], since: Scanned | None, take: Callable[[Kept], None]) -> Scanned:
        size, start = os.fstat(stream.fileno()).st_size, self._beginning(stream)
        if since is not None and since.identity == start.identity and size >= since.whole:
            start = since
        damaged, whole, torn = start.damaged, start.whole, False
        for found in records(stream, start.whole, size):
            if isinstance(found, Broken) and found.torn:
                torn = True
                break
            exemplar = None if isinstance(found, Broken) else _kept(found, start.width)
            if exemplar is None:
                damaged += 1
            else:
                take(exemplar)
            whole = found.end
        return replace(start, damaged=damaged, whole=whole, torn=torn)

    def _beginning(self, stream: IO[bytes]) -> Scanned:
        """What the head says; refused where this is no gallery that can be read here."""
        stream.seek(0)
        if stream.read(len(MAGIC)) != MAGIC:
            raise DataError(f"{self.path}: is no gallery of edgelens; move it away")
        first = record_at(stream, 0, os.fstat(stream.fileno()).st_size)
        if first is None or first.kind != HEAD:
            raise DataError(f"{self.path}: its beginning is damaged: bring back a copy, or move it away")
        space, width = self._head(first)
        return Scanned(space, width, 0, first.end, str(first.said.get("id", "")))

    def _head(self, first: Record) -> tuple[str, int]:
        major = first.said.get("format")
        if isinstance(major, list) and major and isinstance(major[0], int) and major[0] > FORMAT[0]:
            raise DataError(f"{self.path}: was written by a newer edgelens; update this one")
        space, width = first.said.get("feature_space"), first.said.get("width")
        if (
            not (isinstance(space, str) and space.isprintable() and len(space) <= _LONGEST_SPACE)
            or type(width) is not int  # nor true, which is 1
            or not 1 <= width <= _MOST_WIDTH
        ):
            raise DataError(f"{self.path}: does not say whose features it holds: bring back a copy, or move it away")
        return space, width

    def _exemplars(self, stream: IO[bytes]) -> Iterator[Exemplar]:
        width = self._beginning(stream).width
        for found in records(stream, 0, os.fstat(stream.fileno()).st_size):
            kept = None if isinstance(found, Broken) else _kept(found, width)
            if kept is not None:
                picture = read_picture(stream, kept.at)
                yield Exemplar(kept.name, vector_of(kept.vector), picture, kept.when, kept.source, kept.lesson)

    def _put(self, handle: int, at: int, data: bytes) -> None:
        """Cut what is torn, put the records there and sync; a disk that is full leaves the file as it was.

        Nothing waits in a buffer, to be written after all when the file is closed.
        """
        try:
            os.ftruncate(handle, at)
            left = memoryview(data)
            while left:
                left = left[os.pwrite(handle, left, at + len(data) - len(left)) :]
            os.fsync(handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, at)
            raise WorkError(
                f"{self.path}: nothing was added ({error.strerror or error}); what was there is unchanged"
            ) from error

    def _write_anew(self, feature_space: str, width: int, rows: Iterable[bytes]) -> None:
        """The whole file, of which nobody sees a part and only this user can read it."""
        try:
            with replacing_own(self.path) as out:
                for part in _parts(feature_space, width, rows):
                    out.write(part)
        except OSError as error:
            raise WorkError(
                f"{self.path}: could not be written ({error.strerror or error}); what was there is unchanged"
            ) from error

    @contextlib.contextmanager
    def _opened(self, mode: str = "rb") -> Iterator[IO[bytes]]:
        try:
            stream = open(self.path, mode, buffering=1 << 16 if mode == "rb" else -1, opener=_at_once)  # noqa: SIM115
        except FileNotFoundError:
            raise DataError(f"{self.path}: there is no such gallery") from None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be opened ({error.strerror or error})") from None
        with stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise DataError(f"{self.path}: is no regular file")
            yield stream

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, of all processes; the lock is a file of its own, since the gallery's is exchanged."""
        own_folder(self.path.parent)
        try:
            handle = os.open(
                self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise WorkError(f"{self.path}: cannot be written ({error.strerror or error})") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            sweep(self.path.parent)  # faces may be in what a killed process left
            yield
        finally:
            os.close(handle)


def _check_space(path: Path, there: Scanned, feature_space: str, width: int) -> None:
    if there.feature_space != feature_space:
        raise UsageError(
            f"{path}: holds features of another network ({there.feature_space[:12]}, this one's is"
            f" {feature_space[:12]}): edgelens gallery reembed carries names over"
        )
    if there.width != width:
        raise UsageError(f"{path}: holds {there.width} numbers a picture, not {width}")


def _kept(record: Record, width: int) -> Kept | None:
    """An exemplar's record as it is used; None where it says what no gallery of this width can."""
    said = record.said
    name, when = said.get("name"), said.get("when", 0.0)
    if record.kind != EXEMPLAR or not isinstance(name, str) or not _is_name(name):
        return None
    if not isinstance(when, int | float) or not 0 <= when < _LATEST or len(record.vector) != 2 * width:
        return None
    source, lesson = _line(said.get("source")), _line(said.get("lesson"))
    return Kept(name, record.vector, float(when), source, lesson, record.start, "picture" in said)


@lru_cache(10_000)
def _is_name(name: str) -> bool:
    """Whether it is as names are kept; another one was not taught by this kit, and may steer whoever lists it."""
    try:
        return checked_name(name) == name
    except UsageError:
        return False


def _line(text: object) -> str:
    """A text that stays on its line."""
    said = text if isinstance(text, str) else ""
    return said if said.isprintable() else "".join(c for c in said if c.isprintable())


def _at_once(path: str, flags: int) -> int:
    """Opened without waiting for whoever writes into a pipe of that name."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _nothing(_: Kept) -> None:
    """What to do with an exemplar when only the way through the file is asked for."""


def vector_of(data: bytes) -> NDArray[np.float32]:
    """A stored vector."""
    return np.frombuffer(data, np.float16).astype(np.float32)


def _parts(feature_space: str, width: int, rows: Iterable[bytes]) -> Iterator[bytes]:
    """A whole file, piece by piece."""
    named = {"format": FORMAT, "feature_space": feature_space, "width": width}
    yield packed(HEAD, {**named, "made": now(), "id": os.urandom(8).hex()})
    yield from rows


def _record_of(exemplar: Exemplar) -> bytes:
    said = {
        "name": exemplar.name,
        "when": round(exemplar.when, 3),
        "source": exemplar.source,
        "lesson": exemplar.lesson,
    }
    return packed(EXEMPLAR, said, exemplar.vector.astype(np.float16).tobytes(), exemplar.picture)
