"""The desk at which pictures are labelled: what the page asks for, and what it is told to keep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from ..bundle.bundle import Bundle
from ..errors import UsageError
from ..host.files import are_one
from ..images.read import checked_header, decode_image, read_image_bytes
from .content import content_of, is_still
from .data_set import DataSet
from .formats import form_of
from .journal import Journal
from .marks import Marks, checked_label, marks_from
from .names import named_apart
from .pictures import Picture
from .proposals import Proposals
from .versions import Versions
from .wanted import wanted

__all__ = ["Desk"]

_SHOWN = frozenset(["jpeg", "png", "webp", "gif", "bmp"])  # what browsers show as it is
_LARGE_BYTES, _LARGE_SIDE, _QUALITY = 3_000_000, 2048, 88
_AHEAD = 3  # pictures
_USUAL = "coco"
_MOST_KEYS = 35  # of a model with more classes only those are offered that it finds


class Desk:
    """Pictures in order, their marks, and the data set; a context manager."""

    def __init__(
        self,
        pictures: Sequence[Picture],
        out: Path,
        *,
        format_name: str = "",
        classes: Sequence[str] = (),
        assist: Bundle | None = None,
        say: Callable[[str], None],
    ) -> None:
        self.out = out
        self.journal = Journal(out)
        self.format = _format(format_name, self.journal.format, out)
        self.form = form_of(self.format)
        asked = [self._usable(label) for label in classes]
        proposed = [] if assist is None else [label for label in assist.manifest.labels if label]
        offered = proposed if len(proposed) <= _MOST_KEYS else []
        self._classes, self._stack = asked or [checked_label(label) for label in offered], ExitStack()
        self._asked = bool(asked)
        self._stand_in = asked[0] if self.form.boxes and len(asked) == 1 and asked[0] not in proposed else ""
        self._data = DataSet(out, self.form, self._everything, say)
        self.pictures = self._named_apart(pictures, say)
        self._say_what_is_lost(say)
        self._proposals = None if assist is None else Proposals(assist, [picture.path for picture in pictures])
        self._unplaced: set[str] = set()  # pictures that the disk had no room for
        self._versions = Versions()
        self._lock = threading.Lock()

    def state(self) -> dict[str, Any]:
        """What the page begins with: where to go on, and what there is."""
        with self._lock:
            done = [self._is_done(picture) for picture in self.pictures]
            return {
                "boxes": self.form.boxes,
                "crowds": self.form.crowds,
                "format": self.format,
                "session": self._versions.session,
                "out": str(self.out),
                "classes": list(self.journal.classes),
                "done": done,
                "first": done.index(False) if False in done else 0,
            }

    def picture(self, number: int) -> dict[str, Any]:
        """One picture: what was said of it, else what is given or proposed; the next ones are prepared meanwhile."""
        picture = self._at(number)
        with self._lock:
            marks, version = self.journal.marks.get(picture.name), self._versions.of(picture.name)
        said = marks or picture.marks()
        rows: Sequence[Mapping[str, Any]] = said.to_json()["boxes"]
        answer = {**said.to_json(), "name": picture.name, "proposed": False, "version": version}
        if marks is None and self._proposals is not None and not rows:
            rows = self._wanted(self._proposals.of(number))
            answer["proposed"] = bool(rows)
        if self.form.boxes:
            answer["boxes"] = [row for row in rows if row["box"]]
        else:
            best = "" if marks is not None else next((row["label"] for row in rows), picture.guess)
            answer |= {"boxes": [], "label": said.label or best, "proposed": bool(best)}
        if self._proposals is not None:
            last = min(number + 1 + _AHEAD, len(self.pictures))
            self._proposals.prepare([n for n in range(number + 1, last) if not self._is_done(self.pictures[n])])
        return answer

    def image(self, number: int) -> tuple[bytes, bytes]:
        """A picture as a browser shows it, and its media type: as it is, or smaller where it is large."""
        path = self._at(number).path
        data = read_image_bytes(path)
        header = checked_header(data, str(path))
        if header.kind in _SHOWN and header.orientation == 1 and len(data) <= _LARGE_BYTES:
            return data, f"image/{header.kind}".encode()  # how one is turned not every browser reads where we do
        image = decode_image(data, str(path))
        shrink = min(_LARGE_SIDE / max(image.shape[:2]), 1.0)
        if shrink < 1:
            size = (max(round(image.shape[1] * shrink), 1), max(round(image.shape[0] * shrink), 1))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]), b"image/jpeg"

    def keep(self, number: int, said: Any) -> dict[str, Any]:
        """Write down what was said of a picture, and bring the data set in line."""
        picture = self._at(number)
        size = self._size(picture)
        marks = marks_from(said, size.width, size.height)
        with self._lock:
            if marks != self.journal.marks.get(picture.name) or picture.name in self._unplaced:
                self._versions.check(picture.name, said)
                self.form.pictures(marks)  # refuses a label that no folder can be called by
                content = self.journal.contents.get(picture.name) or content_of(picture.path)
                self.journal.keep(picture.name, marks, content)
                self._place(picture, marks)
                self._versions.change(picture.name)  # what fails is said again by the page that knows it
            version = self._versions.of(picture.name)
            return {"classes": list(self.journal.classes), "done": self._is_done(picture), "version": version}

    def know(self, label: Any) -> dict[str, Any]:
        """A class that somebody added."""
        with self._lock:
            self.journal.know(self._usable(label))
            return {"classes": list(self.journal.classes)}

    def counts(self) -> tuple[int, int]:
        """How many pictures are done, and how many things are in them."""
        with self._lock:
            done = [self.journal.marks[p.name] for p in self.pictures if self._is_done(p)]
            return len(done), sum(len(marks.boxes) for marks in done)

    def __enter__(self) -> Desk:
        with ExitStack() as opened:
            opened.enter_context(self.journal)
            self.journal.begin(self.format)
            given = [box.label for picture in self.pictures for box in picture.given]
            guessed = [] if self.form.boxes else [picture.guess for picture in self.pictures if picture.guess]
            for label in [*self._classes, *map(checked_label, dict.fromkeys([*given, *guessed]))]:
                self.journal.know(label)
            opened.enter_context(self._data)
            self._place_missing()
            if self._proposals is not None:
                opened.enter_context(self._proposals)
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _usable(self, label: Any) -> str:
        """A class's name that the form can be written with: where classes are folders not every name is one."""
        name = checked_label(label)
        try:
            self.form.pictures(Marks(1, 1, label=name))
        except UsageError as error:
            raise UsageError(f"class {name!r}: {error}") from None
        return name

    def _place(self, picture: Picture, marks: Marks) -> None:
        """Bring the data set in line with one picture's marks; what fails is tried again when it is said again."""
        self._unplaced.add(picture.name)
        self._data.put(picture.name, picture.path, marks, self.journal.classes)
        self._unplaced.discard(picture.name)

    def _place_missing(self) -> None:
        """Put into the data set what a start before had no room for."""
        for picture in self.pictures:
            if self._is_done(picture) and not self._data.has(picture.name):
                self._place(picture, self.journal.marks[picture.name])

    def _wanted(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Of what is proposed, that of the classes that were asked for or added since; all of it where none were."""
        return wanted(rows, self.journal.classes, self._stand_in) if self._asked else rows

    def _named_apart(self, pictures: Sequence[Picture], say: Callable[[str], None]) -> tuple[Picture, ...]:
        """The pictures, those of them renamed whose name the data set has for another one."""
        own = [picture.name for picture in pictures]
        names = named_apart(own, self.journal.marks, lambda number, name: self._is_same(pictures[number], name))
        if renamed := sum(one != other for one, other in zip(own, names, strict=True)):
            say(f"{renamed} of {len(own)} pictures have another one's name in {self.out}: a number tells them apart")
        return tuple(replace(picture, name=name) for picture, name in zip(pictures, names, strict=True))

    def _say_what_is_lost(self, say: Callable[[str], None]) -> None:
        crowds = sum(box.crowd for picture in self.pictures for box in picture.given)
        if crowds and self.form.boxes and not self.form.crowds:
            say(
                f"{self.format} has no place for boxes that count neither way (crowds, what is hard to tell): {crowds} "
                "become boxes like others; --format coco and voc keep them"
            )

    def _is_same(self, picture: Picture, name: str) -> bool:
        """Whether a picture is the one that a name of the journal means; of earlier versions it says names alone."""
        content = self.journal.contents.get(name)
        if content is None:
            return picture.name == name
        placed = self._data.place_of(name, self.journal.marks[name])
        return (placed is not None and are_one(picture.path, placed)) or is_still(picture.path, content)

    def _at(self, number: int) -> Picture:
        if not 0 <= number < len(self.pictures):
            raise LookupError
        return self.pictures[number]

    def _size(self, picture: Picture) -> Marks:
        return self.journal.marks.get(picture.name) or picture.marks()

    def _is_done(self, picture: Picture) -> bool:
        marks = self.journal.marks.get(picture.name)
        return marks is not None and marks.done

    def _everything(self) -> tuple[Mapping[str, Marks], list[str]]:
        return dict(self.journal.marks), list(self.journal.classes)


def _format(asked: str, before: str, out: Path) -> str:
    """The format that was asked for, if it is the one of what is there already; that one if none was."""
    if asked and before and asked != before:
        raise UsageError(f"{out}: is labelled as {before}: go on with --format {before}, or give another --out")
    return asked or before or _USUAL
