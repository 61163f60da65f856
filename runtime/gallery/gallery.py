"""A gallery: names that were taught for one network's features, on disk and ready to be asked."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, UsageError, WorkError
from .exemplar import Exemplar, checked_name, new_lesson
from .file import GalleryFile
from .index import unit
from .loaded import Loaded
from .match import FALSE_ACCEPTS, MARGIN, Match
from .space import Space
from .thin import MOST_EXEMPLARS, standing_for_all

__all__ = ["Gallery", "Named", "opened_alone"]

_LOOKS_EVERY_S = 1.0  # at whether another process has taught something


@dataclass(frozen=True)
class Named:
    """A name, how many exemplars it has, when and from where it was taught last, and whether a picture is kept."""

    name: str
    exemplars: int
    last: float
    source: str = ""
    pictured: bool = False


class Gallery:
    """What was taught for a network's features; many threads may ask and teach.

    A file that other processes write is followed: what they teach is known here a second later.
    """

    def __init__(self, path: Path, space: Space, *, false_accepts: float = FALSE_ACCEPTS) -> None:
        self.path, self.space, self.false_accepts = path, space, false_accepts
        self.file = GalleryFile(path)
        self._lock = threading.RLock()
        self._loaded = Loaded(space)
        self._seen: tuple[int, ...] = ()
        self._looked = 0.0

    @property
    def names(self) -> tuple[Named, ...]:
        """All names, in the order in which they came."""
        with self._lock:
            self.look()
            loaded = self._loaded
            counts = loaded.counts()
            return tuple(
                Named(name, int(counts[i]), *loaded.newest[i], i in loaded.pictured) for name, i in loaded.names.items()
            )

    @property
    def damaged(self) -> int:
        """Stretches of the file that could not be read."""
        with self._lock:
            self.look()
            return self._loaded.scanned.damaged if self._loaded.scanned else 0

    @property
    def torn(self) -> bool:
        """Whether the file ends within a picture."""
        with self._lock:
            self.look()
            return self._loaded.scanned.torn if self._loaded.scanned else False

    @property
    def edition(self) -> object:
        """The file as it stands: another value once something came in, or was taken away."""
        self.look(every_s=_LOOKS_EVERY_S)
        return self._seen

    def match(self, rows: NDArray[np.float32], weights: NDArray[np.float64] | None = None) -> Match:
        """The nearest name to a picture's features (D,), and whether it is the answer.

        Of several pictures of one thing (N, D) it is their mean similarity that decides, each of its weight.
        """
        with self._lock:
            self.look(every_s=_LOOKS_EVERY_S)
            if not len(self._loaded.index):
                return Match()
            placed = self._placed(rows)
            shares = np.ones(len(placed)) if weights is None else weights
            return self._match(placed, np.asarray(shares / shares.sum(), np.float32))

    def teach(
        self,
        name: str,
        rows: NDArray[np.float32],
        *,
        pictures: Sequence[bytes] = (),
        source: str = "",
        when: float | None = None,
    ) -> str:
        """Put features (N, D) of pictures under a name, on disk before this returns; the lesson, to be taken back."""
        spelled, moment = checked_name(name), time.time() if when is None else when
        checked = _checked_rows(rows, self.space.width)
        lesson = new_lesson()
        kept = [*pictures, *[b""] * (len(checked) - len(pictures))]
        self.append(
            Exemplar(spelled, row, picture, moment, source[:200], lesson)
            for row, picture in zip(checked, kept, strict=True)
        )
        return lesson

    def append(self, exemplars: Iterable[Exemplar]) -> None:
        """Put exemplars behind the others, and thin what their names had before the lesson that was the last one.

        They are kept once they are on disk: where there is no room to thin, the next lesson does.
        """
        rows = list(exemplars)
        with self._lock:
            self.look()
            crowded, identity = self._crowded(rows)
            self.file.append(self.space.name, rows)
            if crowded:
                with contextlib.suppress(DataError, WorkError):
                    self.file.rewrite(lambda place, each: None if place in crowded else each, identity=identity)
            self.look()

    def undo(self, lesson: str | None = None) -> int:
        """Take back a lesson, the last one unless said; how many exemplars that were."""
        with self._lock:
            lessons = [exemplar.lesson for exemplar in self.file.exemplars()] if self.file.exists() else []
            taken = lesson or (lessons[-1] if lessons else "")
            if not taken or taken not in lessons:
                raise UsageError("there is nothing to take back" if lesson is None else f"no lesson {lesson[:16]}")
            self._rewrite(lambda _, exemplar: None if exemplar.lesson == taken else exemplar)
            return lessons.count(taken)

    def remove(self, name: str) -> int:
        """Forget a name: the file is written anew without its features and pictures; how many those were."""
        number = self._number(name)
        with self._lock:
            count = len(self._loaded.rows_of(number))
            spelled = checked_name(name)
            self._rewrite(lambda _, exemplar: None if exemplar.name == spelled else exemplar)
            return count

    def rename(self, name: str, to: str) -> None:
        """Call a name otherwise; a name that is there already is refused."""
        self._number(name)
        spelled, new = checked_name(name), checked_name(to)
        if new == spelled:
            raise UsageError(f"{spelled}: is called so already: say what it is to be called")
        if new in self._loaded.names:
            raise UsageError(f"{new}: is there already; edgelens gallery merge {spelled} {new} joins them")
        self._rewrite(lambda _, exemplar: replace(exemplar, name=new) if exemplar.name == spelled else exemplar)

    def merge(self, name: str, into: str) -> None:
        """Two names are one: the first one's exemplars are the second one's from now on."""
        self._number(name)
        self._number(into)
        spelled, other = checked_name(name), checked_name(into)
        if spelled == other:
            raise UsageError(f"{spelled}: is one name already: say which other name it is")
        self._rewrite(lambda _, exemplar: replace(exemplar, name=other) if exemplar.name == spelled else exemplar)

    def known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names as they are kept, each once; one that is not there is refused."""
        asked = list(dict.fromkeys(map(checked_name, names)))
        for name in asked:
            self._number(name)
        return tuple(asked)

    def alike(self, most: int = 2000) -> list[tuple[str, str, float]]:
        """Names that are as near to each other as their own pictures are, with how near: one and the same, perhaps."""
        with self._lock:
            self.look()
            names = list(self._loaded.names)[:most]
            own = [self._loaded.index.rows(self._loaded.rows_of(i)) for i in range(len(names))]
        if len(names) < 2:
            return []
        centers = unit(np.stack([rows.mean(axis=0) for rows in own]))
        held = np.array([float((rows @ center).mean()) for rows, center in zip(own, centers, strict=True)])
        near = np.triu(centers @ centers.T, 1)
        pairs = np.argwhere(near >= np.minimum(held[:, None], held[None]))
        found = [(names[a], names[b], float(near[a, b])) for a, b in pairs.tolist() if a < b]
        return sorted(found, key=lambda pair: -pair[2])

    def exemplars(self, name: str | None = None) -> Iterator[Exemplar]:
        """What was shown, with pictures; under one name, or all."""
        if not self.file.exists():
            return
        spelled = None if name is None else checked_name(name)
        for exemplar in self.file.exemplars():
            if spelled in (None, exemplar.name):
                yield exemplar

    def picture(self, name: str) -> bytes:
        """The newest picture of a name; empty where none is kept."""
        with self._lock:
            number = self._number(name)
            scanned = self._loaded.scanned
            places = self._loaded.rows_of(number)[::-1]
            found = (self.file.picture(self._loaded.at[int(i)], scanned.identity) for i in places if scanned)
            return next(filter(None, found), b"")

    def likeness(self, name: str, row: NDArray[np.float32]) -> float:
        """The similarity of a picture's features (D,) to a name, by which `match` decides."""
        with self._lock:
            number = self._number(name)
            return float(self._loaded.similarity(number, self._placed(row))[0])

    def nearest(self, row: NDArray[np.float32], most: int) -> list[tuple[str, float, bytes]]:
        """What was shown and is most like a picture's features (D,): name, cosine, and picture, empty without one."""
        with self._lock:
            self.look()
            loaded = self._loaded
            if not len(loaded.index) or loaded.scanned is None:
                return []
            cosines, names = loaded.index.cosines(self._placed(row)[0]), list(loaded.names)
            identity = loaded.scanned.identity
            return [
                (names[loaded.name_of[i]], float(cosines[i]), self.file.picture(loaded.at[i], identity))
                for i in np.argsort(-cosines, kind="stable")[:most].tolist()
            ]

    def look(self, *, every_s: float = 0.0) -> None:
        """Take in what the file has now, unless that was looked at so shortly ago."""
        moment = time.monotonic()
        if every_s and moment - self._looked < every_s:
            return
        with self._lock:
            self._looked = moment
            try:
                status = self.path.stat()
            except OSError:
                self._seen, self._loaded = (), Loaded(self.space)
                return
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen == self._seen:
                return
            if not self._loaded.follow(self.file):
                self._loaded = Loaded(self.space)
                self._loaded.follow(self.file)
            self._seen = seen

    def _placed(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (D,) or (N, D) as they are compared, (N, D)."""
        return self.space.placed(np.asarray(rows, np.float32).reshape(-1, self.space.width))

    def _match(self, rows: NDArray[np.float32], shares: NDArray[np.float32]) -> Match:
        loaded, names = self._loaded, list(self._loaded.names)
        ranked = loaded.nearest(rows, shares)
        head = loaded.head(self.false_accepts)
        rather = True
        if head is not None:  # beside trained classes: whether it is rather a taught thing than a learned one
            leads = shares @ head.leads(rows)
            best = int(leads.argmax())
            rather = bool(leads[best] > 0)
            ranked = [(best, float(shares @ loaded.similarity(best, rows))), *(p for p in ranked if p[0] != best)]
        (number, similarity), (second, runner) = ranked[0], (*ranked[1:2], (-1, 0.0))[0]
        limit = self.space.limit(self.false_accepts, len(names), loaded.strangers(number))
        clear = head is not None or similarity - runner >= MARGIN
        known = rather and clear and similarity >= limit
        return Match(names[number], similarity, limit, names[second] if second >= 0 else "", runner, known)

    def _number(self, name: str) -> int:
        with self._lock:
            self.look()
            spelled = checked_name(name)
            if spelled not in self._loaded.names:
                there = ", ".join(list(self._loaded.names)[:8]) or "none"
                raise UsageError(f"{spelled}: no such name; there are {there}")
            return self._loaded.names[spelled]

    def _crowded(self, rows: Sequence[Exemplar]) -> tuple[set[int], str]:
        """The places of what goes when these come, and of which file: what can still be taken back loses nothing."""
        loaded, places = self._loaded, set[int]()
        lessons = {exemplar.name: exemplar.lesson for exemplar in rows}
        for name, new in Counter(exemplar.name for exemplar in rows).items():
            number = loaded.names.get(name)
            if number is None or lessons[name] == loaded.last_lesson[number].number != "":
                continue
            mine = loaded.rows_of(number)
            if len(mine) + new > 2 * MOST_EXEMPLARS:
                older = mine[mine < loaded.last_lesson[number].began]
                places |= set(older.tolist()) - set(older[standing_for_all(loaded.index.rows(older))].tolist())
        return places, loaded.scanned.identity if loaded.scanned else ""

    def _rewrite(self, change: Callable[[int, Exemplar], Exemplar | None]) -> None:
        with self._lock:
            self.file.rewrite(change)
            self.look()


def opened_alone(path: Path) -> Gallery:
    """A gallery without its network: enough to see, rename, join, forget and carry away what it holds."""
    head = GalleryFile(path).beginning()
    return Gallery(path, Space(head.feature_space, head.width))


def _checked_rows(rows: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    found = np.asarray(rows, np.float32).reshape(-1, np.asarray(rows).shape[-1])
    if not len(found) or found.shape[1] != width:
        raise UsageError(f"features of {found.shape[1]} numbers do not fit a gallery of {width}")
    with np.errstate(over="ignore"):
        small = found.astype(np.float16)
    if not np.isfinite(small).all() or not np.abs(small).max(axis=1).all():
        raise UsageError("a picture has no features that can be compared: show another one")
    return found
