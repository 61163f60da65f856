"""Recording what was announced and what lines and zones noticed: clips with some seconds before and after, snapshots,
and lines.

The seconds before wait as JPEG in memory. From then on, pictures go to the thread that codes clips.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import WorkError
from ..host.files import write_bytes
from ..result import Result
from .clip import Clip
from .clip_rows import sweep_rows, told
from .clip_writer import ClipWriter
from .lines import RotatingLines
from .lived_time import LivedTime
from .losses import Losses, reason
from .options.record import RecordOptions
from .protocol import Notice
from .quota import NO_ROOM, Quota
from .record_names import stem_of
from .room import Room
from .still import Still, still_of

__all__ = ["RecordSink"]

LATE_S = 1.0  # that a picture may still be on its way
NAMES = re.compile(r"\d{8}-\d{6}-[\w.-]*\.(mp4|webm|jpg|jsonl)")


@dataclass
class _Event:
    """A clip under way."""

    clip: Clip
    began: float  # by its source's clock
    ends: float
    over: float = float("inf")  # by this machine's clock: no picture of it comes any more


class _Reel:
    """What is remembered of one source."""

    def __init__(self) -> None:
        self.clock = ""  # whose time its pictures have: this machine's, or the file's own
        self.before: deque[Still] = deque()
        self.due = float("-inf")
        self.event: _Event | None = None


class RecordSink:
    """Writes clips, snapshots and lines under one folder while it is entered; a full disk never stops it."""

    name = "record"

    def __init__(self, options: RecordOptions, *, say: Callable[[str], None] | None = None) -> None:
        assert options.folder is not None
        self.options, self.folder = options, options.folder
        self.losses = Losses(self.name) if say is None else Losses(self.name, say)
        self._reels: dict[str, _Reel] = {}
        most = int(options.most_mb * 1e6)
        lived = LivedTime(self.folder / ".clock.json", lambda line: self.losses.say(f"{self.name}: {line}"))
        self._room = Room(Quota(self.folder, NAMES, most, options.most_days * 86400, options.keep_free_bytes, lived))
        most_lines = min(options.line_file_bytes, max(most // 10, 1))
        self._lines = RotatingLines(self.folder / "lines", self._room.fits_a_line, most_lines)
        self._writer = ClipWriter(self._room, self.losses, options.fps, self._end_overdue)
        self._lock = threading.Lock()  # the thread that codes clips ends them, too
        self._stack = ExitStack()

    @property
    def clips(self) -> int:
        """Clips that are in their place."""
        return self._writer.clips

    def write(self, result: Result) -> None:
        """Remember the picture; begin, go on with or end an event. A file waits for the encoder."""
        if result.frame.position_s is not None:
            self._writer.wait()
        with self._lock:
            self._take(result)

    def _take(self, result: Result) -> None:
        moment = result.frame.clock_s
        reel = self._reels.setdefault(result.frame.source, _Reel())
        reel.clock = "" if result.frame.position_s is None else result.frame.source
        if reel.before and moment < reel.before[-1].moment - LATE_S:  # a file that is read anew
            self._end(reel)
            reel.before.clear()
            reel.due = float("-inf")
        for each in self._reels.values():  # of a source that is paused nothing else comes
            if each.event is not None and each.clock == reel.clock and moment >= each.event.ends:
                self._end(each)
        name = _name(result)
        if moment >= reel.due or name is not None:
            reel.due = max(reel.due, moment - 1 / self.options.fps) + 1 / self.options.fps
            self._remember(reel, self._still(result))
        if name is not None:
            height, width = result.frame.size
            self._line({**result.to_json(), "size": [width, height], "when": round(result.frame.time, 6)})
            self._snapshot(result, name)
            self._begin(reel, name, moment)
        if reel.event is not None and not reel.clock:
            reel.event.over = time.monotonic() + reel.event.ends - moment + LATE_S

    def notice(self, notice: Notice) -> None:
        """Keep what happened to a source as a line; the clip of one that is lost is as long as it will be."""
        with self._lock:
            self._line(asdict(notice))
            if notice.kind in ("lost", "ended") and (reel := self._reels.get(notice.source)) is not None:
                self._end(reel)

    def __enter__(self) -> RecordSink:
        try:
            for part in ("clips", "snapshots", "lines"):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkError(f"--record {self.folder}: {error.strerror or error}") from None
        sweep_rows(self.folder / "clips")
        self._room.settle()
        self._stack.enter_context(self._writer)
        self._stack.callback(self._lines.close)
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            for reel in self._reels.values():
                self._end(reel)
        self._stack.close()

    def _end_overdue(self) -> None:
        """End what nothing comes for any more, no later picture either: the only source is paused, or nothing moves."""
        with self._lock:
            for reel in self._reels.values():
                if reel.event is not None and time.monotonic() > reel.event.over:
                    self._end(reel)

    def _remember(self, reel: _Reel, still: Still) -> None:
        if reel.event is not None:
            self._writer.add(reel.event.clip, still)
        reel.before.append(still)
        while reel.before and reel.before[0].moment < still.moment - self.options.before_s:
            reel.before.popleft()

    def _begin(self, reel: _Reel, name: str, moment: float) -> None:
        if reel.event is not None:  # what happens in the middle of a clip makes it longer
            reel.event.ends = min(moment + self.options.after_s, reel.event.began + self.options.longest_s)
            return
        clip = self._writer.begin(self.folder / "clips" / f"{name}.mp4")
        if clip is not None:
            reel.event = _Event(clip, reel.before[0].moment, moment + self.options.after_s)
            for still in reel.before:
                self._writer.add(clip, still)

    def _end(self, reel: _Reel) -> None:
        event, reel.event = reel.event, None
        if event is not None:
            self._writer.end(event.clip)

    def _line(self, value: dict[str, object]) -> None:
        self._tried("lines", lambda: self._lines.append(value))

    def _snapshot(self, result: Result, name: str) -> None:
        data = bytes(cv2.imencode(".jpg", self._shown(result), [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
        place = self.folder / "snapshots" / f"{name}.jpg"

        def write() -> bool:
            if there := self._room.fits(len(data)):
                write_bytes(place, data)
            return there

        self._tried("snapshots", write)

    def _tried(self, what: str, write: Callable[[], bool]) -> None:
        """Write something that may not fit; a clip may be written all the same."""
        try:
            there, why = write(), NO_ROOM
        except (OSError, WorkError) as error:
            there, why = False, reason(error)
        if there:
            self.losses.keep(what)
        else:
            self.losses.lose(what, why)

    def _shown(self, result: Result) -> NDArray[np.uint8]:
        if not self.options.drawn:
            return result.frame.image
        from .overlay import drawn

        return drawn(result)

    def _still(self, result: Result) -> Still:
        said = told(result, drawn=self.options.drawn) if self.options.beside else ""
        return still_of(result.frame.clock_s, self._shown(result), self.options.max_side, said)


def _name(result: Result) -> str | None:
    """What is kept of a result is called so; None where nothing happened in it."""
    what = result.announced
    if what is None and result.events:
        what = str(result.events[0].get("label", ""))
    return None if what is None else stem_of(result.frame.time, result.frame.source, what)
