"""What happened, newest last: the last moments with their pictures, many more without, and those of a recording."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path

from ...result import Result
from ...sinks.recorded import Recorded, When
from .moment import Moment, moments_of, moments_of_line, thumb_of
from .wanted import Wanted

__all__ = ["Timeline"]

MOST = 10_000  # moments of this run; and as many from the recording of those before


class Timeline:
    """A bounded, thread-safe list of moments; where there is a recording, it goes back beyond this run's start."""

    def __init__(self, *, pictured: int = 60, recorded: Recorded | None = None) -> None:
        self.recorded = recorded
        self._pictured: deque[Moment] = deque()
        self._most_pictured = pictured
        self._next = 1 if recorded is None else MOST + 1  # what was before has the numbers below
        self._moments: OrderedDict[int, Moment] = OrderedDict()
        self._past: dict[int, Moment] | None = None  # read when somebody looks back
        self._lock, self._reading = threading.Lock(), threading.Lock()

    def add(self, result: Result) -> list[Moment]:
        """Remember what happened with a result."""
        moments = moments_of(result)
        with self._lock:
            for moment in moments:
                moment.number, self._next = self._next, self._next + 1
                self._moments[moment.number] = moment
                self._pictured.append(moment)
            while len(self._pictured) > self._most_pictured:
                self._pictured.popleft().shown = None
            while len(self._moments) > MOST:
                self._moments.popitem(last=False)
        return moments

    def find(self, wanted: Wanted) -> tuple[list[Moment], bool]:
        """The newest of the moments that are asked for, newest first, and whether there are more."""
        with self._lock:
            own = list(self._moments.values())
        past = self._read_past().values()  # newest first
        taken = (moment for moment in itertools.chain(reversed(own), past) if wanted.takes(moment))
        found = list(itertools.islice(taken, wanted.limit + 1))
        return found[: wanted.limit], len(found) > wanted.limit

    def moment(self, number: int) -> Moment:
        """One of them; a LookupError when it is no longer remembered."""
        with self._lock:
            own = self._moments.get(number)
        return own if own is not None else self._read_past()[number]

    def has_picture(self, moment: Moment) -> bool:
        """Whether its picture is still kept."""
        return moment.shown is not None or self._snapshot(moment) is not None

    def picture(self, moment: Moment) -> bytes:
        """A moment's picture as JPEG; a LookupError where none is kept."""
        shown = moment.shown
        return shown.picture if shown is not None else _read(self._snapshot(moment))

    def thumb(self, moment: Moment) -> bytes:
        """A moment's small picture as JPEG; a LookupError where none is kept."""
        shown = moment.shown
        if shown is None:
            return thumb_of(_read(self._snapshot(moment)))
        if shown.small is None:
            shown.small = thumb_of(shown.picture)
        return shown.small

    def clip(self, moment: Moment) -> Path | None:
        """The file of a moment's clip, None where there is none."""
        return None if self.recorded is None else self.recorded.clip(moment.source, self._back_from(moment))

    def clip_rows(self, moment: Moment) -> Path | None:
        """The file of what was seen in each picture of a moment's clip, None where it is not kept."""
        return None if self.recorded is None else self.recorded.rows(self.clip(moment))

    def _back_from(self, moment: Moment) -> Iterator[When]:
        """When it happened, and what happened before on the same source, one after the other."""
        for number in range(moment.number, 0, -1):
            one = self._moments.get(number) or (self._past or {}).get(number)
            if one is None:
                return
            if one.source == moment.source:
                yield one.time, one.time if one.at is None else one.at

    def _snapshot(self, moment: Moment) -> Path | None:
        return None if self.recorded is None else self.recorded.snapshot(moment.source, moment.time)

    def _read_past(self) -> dict[int, Moment]:
        """The recording's moments from before this run, the newest first; read once."""
        with self._reading:
            if self._past is None:
                lines = () if self.recorded is None else self.recorded.lines()
                all_of_them = (moment for line in lines for moment in reversed(moments_of_line(line)))
                before = itertools.islice(all_of_them, MOST)
                self._past = {}
                for number, moment in zip(range(MOST, 0, -1), before, strict=False):
                    moment.number = number
                    self._past[number] = moment
            return self._past


def _read(file: Path | None) -> bytes:
    try:
        if file is not None:
            return file.read_bytes()
    except OSError:  # gone meanwhile
        pass
    raise LookupError("no picture of it is kept")
