"""What has been labelled so far, a line a change: nothing is lost where it stops, and it goes on from there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import DataError, EdgelensError, WorkError
from .content import Content
from .marks import Marks, checked_label, marks_from

__all__ = ["NAME", "Journal"]

NAME = "labels.jsonl"


class Journal:
    """Marks by the picture's name, and the classes in their order; a context manager that holds the file open.

    What was labelled before is known from the beginning. One process has it open: of two, each would number classes
    of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.marks: dict[str, Marks] = {}
        self.contents: dict[str, Content] = {}  # of the pictures' files; of those of earlier versions it is not known
        self.classes: list[str] = []
        self.format = ""  # what the data set beside it is written as
        self._file: int | None = None
        data = _bytes_of(self.path)
        self._bytes = len(data)
        self._take_up(data)

    def __enter__(self) -> Journal:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                self._take_alone(self._file)
                _end_whole(self._file)
            except BaseException:
                self.__exit__()
                raise
        except OSError as error:
            raise WorkError(f"{self.path}: {error.strerror or error}") from None
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def keep(self, name: str, marks: Marks, content: Content) -> None:
        """Write one picture's marks down, and which picture it is; its new classes come behind the known ones."""
        for label in [*(box.label for box in marks.boxes), marks.label]:
            self.know(label)
        self._write({"picture": name, **asdict(content), **marks.to_json()})
        self.marks[name], self.contents[name] = marks, content

    def begin(self, format_name: str) -> None:
        """Say what the data set is written as; a later start goes on with it."""
        if self.format != format_name:
            self._write({"format": format_name})
            self.format = format_name

    def know(self, label: str) -> None:
        """A class that can be given from now on."""
        if label and label not in self.classes:
            self._write({"class": label})
            self.classes.append(label)

    def _write(self, row: dict[str, Any]) -> None:
        assert self._file is not None
        before, left = os.fstat(self._file).st_size, memoryview((json.dumps(row, ensure_ascii=False) + "\n").encode())
        try:
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            raise WorkError(f"{self.path}: {error.strerror or error}; the last change was not kept") from None

    def _take_alone(self, file: int) -> None:
        """Refuse what another start is at, or has gone on with since it was read here."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkError(
                f"{self.path}: another `edgelens label` is at it: end that one, or give another --out"
            ) from None
        except OSError:  # a file system without locks
            return
        if os.fstat(file).st_size != self._bytes:
            raise WorkError(f"{self.path}: was gone on with by another `edgelens label`: start again")

    def _take_up(self, data: bytes) -> None:
        """Know what was labelled before."""
        for number, row in _rows(data, self.path):
            try:
                if "class" in row:
                    self.classes.append(checked_label(row["class"]))
                elif "format" in row:
                    self.format = str(row["format"])
                else:
                    name = str(row["picture"])
                    self.marks[name] = marks_from(row, int(row["width"]), int(row["height"]))
                    if "digest" in row:
                        self.contents[name] = Content(int(row["bytes"]), str(row["digest"]))
            except (KeyError, OverflowError, TypeError, ValueError, EdgelensError) as error:
                raise DataError(f"{self.path}:{number}: is no line of labels ({error})") from None


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise WorkError(f"{path}: {error.strerror or error}") from None


def _end_whole(file: int) -> None:
    """Take off what a power cut left of a last line: the next one would run into it."""
    data = os.pread(file, os.fstat(file).st_size, 0)
    if data and not data.endswith(b"\n"):
        os.ftruncate(file, data.rfind(b"\n") + 1)


def _rows(data: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every line's number and object; a last one that a power cut left half-written is passed over."""
    whole, _, _ = data.rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n") if whole else (), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise DataError(f"{path}:{number}: is no line of labels") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: is no line of labels")
        yield number, row
