"""The data set that grows with the labels: each picture in its place, its labels beside it, readable at any time."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import EdgelensError, WorkError
from ..host.files import are_one, replacing, write_text
from .content import content_of, is_still
from .formats import Form
from .marks import Marks

__all__ = ["DataSet"]

State = Callable[[], tuple[Mapping[str, Marks], list[str]]]  # all marks by the pictures' names, and the classes

_QUIET_S = 1.0  # from the last change to the writing of what holds all pictures


class DataSet:
    """Writes pictures and labels; a context manager that writes what stands for all of them when it is left."""

    def __init__(self, place: Path, form: Form, state: State, say: Callable[[str], None]) -> None:
        self.place, self._form, self._state, self._say = place, form, state, say
        self._where: dict[str, Path] = {}
        self._changed, self._over = threading.Event(), threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="edgelens-data-set", daemon=True)

    def put(self, name: str, path: Path, marks: Marks, classes: list[str]) -> None:
        """Take up what was just said of a picture; one that is no longer done, or lies elsewhere now, is taken out."""
        target = self.place_of(name, marks)
        before = self._where.get(name)
        if before is not None and before != target:
            self._take_out(name, path)
        if target is not None:
            if before != target and target.exists() and not _is_in(path, target):
                raise WorkError(f"{target}: is another picture, which was not labelled here; give another --out")
            _put(path, target)
            self._where[name] = target
            try:
                self._write_own(name, marks, classes)
            except WorkError:  # what an earlier change left there, or that nothing is there, would be taken for it
                self._take_out(name, path)
                raise
        self._changed.set()

    def place_of(self, name: str, marks: Marks) -> Path | None:
        """Where a picture of these marks lies; None where it is no part of the data set."""
        folder = self._form.pictures(marks) if marks.done else ""
        return self.place / folder / name if folder else None

    def has(self, name: str) -> bool:
        """Whether a picture that is part of it is there, with its labels."""
        where, own = self._where.get(name), self._own(name)
        return where is None or (where.exists() and (own is None or own.exists()))

    def __enter__(self) -> DataSet:
        marks, _ = self._state()
        for name, each in marks.items():
            if (target := self.place_of(name, each)) is not None:
                self._where[name] = target
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._changed.set()
        self._thread.join()
        self._write_whole()

    def _own(self, name: str) -> Path | None:
        """Where a picture's own labels lie; None where the form has none."""
        return None if self._form.own is None else self.place / self._form.own(name)

    def _write_own(self, name: str, marks: Marks, classes: list[str]) -> None:
        own = self._own(name)
        if own is None or self._form.text is None:
            return
        try:
            own.parent.mkdir(parents=True, exist_ok=True)
            write_text(own, self._form.text(name, marks, classes))
        except OSError as error:
            raise WorkError(f"{own}: {error.strerror or error}; the picture is not in the data set") from None

    def _take_out(self, name: str, path: Path) -> None:
        """Take a picture and its labels out; one that is labelled where it lies stays there."""
        picture = self._where.pop(name)
        for file in (picture, self._own(name)):
            if file is not None and file.resolve() != path.resolve():
                with contextlib.suppress(OSError):
                    file.unlink(missing_ok=True)

    def _work(self) -> None:
        while self._changed.wait() and not self._over.is_set():
            self._changed.clear()
            self._over.wait(_QUIET_S)
            if not self._over.is_set():
                try:
                    self._write_whole()
                except EdgelensError as error:
                    self._say(str(error))

    def _write_whole(self) -> None:
        if self._form.whole is None:
            return
        with self._writing:
            marks, classes = self._state()
            done = {name: each for name, each in marks.items() if each.done}
            if done:
                self._form.whole(self.place, done, classes)


def _is_in(path: Path, target: Path) -> bool:
    return are_one(path, target) or is_still(path, content_of(target))


def _put(path: Path, target: Path) -> None:
    """A picture in the data set: the same file by a second name, or a copy where that cannot be."""
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path.resolve(), target)
        except OSError:
            with path.open("rb") as picture, replacing(target) as copy:
                shutil.copyfileobj(picture, copy)
    except OSError as error:
        raise WorkError(f"{target}: {error.strerror or error}; the picture is not in the data set") from None
