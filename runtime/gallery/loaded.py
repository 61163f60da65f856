"""What is in memory of a gallery's file: 8-bit features, whose they are, and heads that are made of them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .beside import Beside, beside
from .file import GalleryFile, Kept, Scanned
from .index import Index, unit
from .space import Space

__all__ = ["LastLesson", "Loaded"]

_BATCH = 2048
_NEAREST = 64  # exemplars whose names are looked at closely
_CLOSELY = 8  # names
_OTHERS = 500  # exemplars of other names that stand for strangers where there are none


@dataclass(frozen=True)
class LastLesson:
    """What a name was taught last: the lesson, and where it begins."""

    number: str
    began: int


class Loaded:
    """A file's exemplars, ready to be asked; `follow` brings in what came since."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.index = Index(space.width)
        self.names: dict[str, int] = {}
        self.name_of, self.at = array("i"), array("q")
        self.newest: dict[int, tuple[float, str]] = {}  # of each name, when it was shown last and from where
        self.pictured: set[int] = set()  # the names that have a picture
        self.last_lesson: dict[int, LastLesson] = {}
        self.scanned: Scanned | None = None
        self._waiting: list[bytes] = []
        self._head: Beside | None = None
        self._strangers: dict[int, NDArray[np.float32]] = {}

    def follow(self, file: GalleryFile) -> bool:
        """Take in what the file has beyond this; False where it is not the same file grown, and all must be loaded.

        It was written anew, or an older copy of it was brought back.
        """
        file.check_space(self.space.name, self.space.width)
        before = self.scanned
        found = file.scan(self._take, before)
        if before is not None and (found.identity != before.identity or found.whole < before.whole):
            return False
        self._settle()
        self.scanned = found
        self._head, self._strangers = None, {}
        return True

    def counts(self) -> NDArray[np.intp]:
        """How many exemplars each name has.

        Nobody is given the numbers themselves: an array that is looked at does not grow, and a caller looks at it until
        its frame is gone, which is after it has let go of its lock.
        """
        return np.bincount(np.array(self.name_of, np.int32), minlength=len(self.names))

    def rows_of(self, number: int) -> NDArray[np.intp]:
        """Where a name's exemplars are."""
        return np.flatnonzero(np.frombuffer(self.name_of, np.int32) == number)

    def nearest(self, rows: NDArray[np.float32], shares: NDArray[np.float32]) -> list[tuple[int, float]]:
        """The nearest names' numbers with their mean similarity to placed rows (N, D), best first."""
        numbers = dict.fromkeys(number for row in rows for number in self._near(row))
        scored = [(number, float(shares @ self.similarity(number, rows))) for number in numbers]
        return sorted(scored, key=lambda pair: -pair[1])

    def similarity(self, number: int, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(M,) of placed rows to a name: between its nearest exemplar's cosine and that of what all have in common."""
        own = self.index.rows(self.rows_of(number))
        return np.asarray(((rows @ own.T).max(axis=1) + rows @ unit(own.mean(axis=0))) / 2, np.float32)

    def strangers(self, number: int) -> NDArray[np.float32]:
        """(M,) similarities that pictures of other things have with a name."""
        if number not in self._strangers:
            others = self.space.cohort
            if not len(others):
                places = np.flatnonzero(np.frombuffer(self.name_of, np.int32) != number)
                others = self.index.rows(places[:: max(len(places) // _OTHERS, 1)])
            self._strangers[number] = self.similarity(number, others) if len(others) else np.empty(0, np.float32)
        return self._strangers[number]

    def head(self, false_accepts: float) -> Beside | None:
        """What tells taught names from learned pictures, where the network brought such."""
        if not len(self.space.cohort) or not len(self.index):
            return None
        if self._head is None:
            taught = self.index.rows(np.arange(len(self.index)))
            owner = np.frombuffer(self.name_of, np.int32).astype(np.intp)
            self._head = beside(self.space.cohort, taught, owner, len(self.names), false_accepts)
        return self._head

    def _near(self, row: NDArray[np.float32]) -> list[int]:
        """The numbers of the names whose exemplars are nearest to a row."""
        cosines = self.index.cosines(row)
        count = min(_NEAREST, len(cosines))
        places = np.argpartition(cosines, len(cosines) - count)[len(cosines) - count :]
        order = places[np.argsort(-cosines[places])]
        return list(dict.fromkeys(self.name_of[i] for i in order.tolist()))[:_CLOSELY]

    def _take(self, kept: Kept) -> None:
        number = self.names.setdefault(kept.name, len(self.names))
        if not kept.lesson or number not in self.last_lesson or self.last_lesson[number].number != kept.lesson:
            self.last_lesson[number] = LastLesson(kept.lesson, len(self.name_of))
        self.name_of.append(number)
        self.newest[number] = max(self.newest.get(number, (0.0, "")), (kept.when, kept.source))
        if kept.pictured:
            self.pictured.add(number)
        self.at.append(kept.at)
        self._waiting.append(kept.vector)
        if len(self._waiting) >= _BATCH:
            self._settle()

    def _settle(self) -> None:
        if self._waiting:
            rows = np.frombuffer(b"".join(self._waiting), np.float16).reshape(len(self._waiting), -1)
            self.index.add(self.space.placed(np.nan_to_num(rows.astype(np.float32), posinf=0, neginf=0)))
            self._waiting.clear()
