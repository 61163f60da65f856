"""What has been labelled so far, a line a change: nothing is lost where it stops, and it goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ..errors import DataError, EdgelensError, WorkError
from .content import Content
from .marks import Marks, checked_label, marks_from

__all__ = ["Journal"]

_NAME = "labels.jsonl"


class Journal:
    """Marks by the picture's name, and the classes in their order; a context manager that holds the file open.

    What was labelled before is known from the beginning.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _NAME
        self.marks: dict[str, Marks] = {}
        self.contents: dict[str, Content] = {}  # of the pictures' files; of those of earlier versions it is not known
        self.classes: list[str] = []
        self.format = ""  # what the data set beside it is written as
        self._file: IO[str] | None = None
        self._take_up(_text_of(self.path))

    def __enter__(self) -> Journal:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_file():
                _end_whole(self.path)
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise WorkError(f"{self.path}: {error.strerror or error}") from None
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            self._file.close()

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
        try:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise WorkError(f"{self.path}: {error.strerror or error}; the last change was not kept") from None

    def _take_up(self, text: str) -> None:
        """Know what was labelled before."""
        for number, row in _rows(text, self.path):
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


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise WorkError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _end_whole(path: Path) -> None:
    """Take off what a power cut left of a last line: the next one would run into it."""
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)


def _rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every line's number and object; a last one that a power cut left half-written is passed over."""
    whole, _, _ = text.rpartition("\n")
    for number, line in enumerate(whole.split("\n") if whole else (), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise DataError(f"{path}:{number}: is no line of labels") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: is no line of labels")
        yield number, row
