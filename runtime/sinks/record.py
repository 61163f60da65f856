"""Recording what was announced: clips with some seconds before and after, snapshots, and lines.

Pictures wait as JPEG in memory; a clip is written whole when its event is over, on a thread of its own.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from ..errors import WorkError
from ..files import write_bytes
from ..result import Result
from .clip import StillFrame, write_clip
from .lines import RotatingLines
from .protocol import Notice
from .quota import Quota

__all__ = ["RecordOptions", "RecordSink"]

NAMES = re.compile(r"\d{8}-\d{6}-[\w.-]*\.(mp4|jpg|jsonl)")


@dataclass(frozen=True)
class RecordOptions:
    """What is kept, and how much of it."""

    folder: Path
    before_s: float = 5.0
    after_s: float = 5.0
    longest_s: float = 20.0  # an event that goes on is cut into clips of this length
    fps: float = 10.0
    max_side: int = 640
    quota_bytes: int = 1_000_000_000
    quota_age_s: float = 30 * 86400.0
    keep_free_bytes: int = 200 * 1024 * 1024
    line_file_bytes: int = 4_000_000


@dataclass
class _Event:
    """A clip that is being gathered."""

    stamp: str
    label: str
    frames: list[StillFrame]
    ends: float  # capture time


class _Reel:
    """What is remembered of one source."""

    def __init__(self) -> None:
        self.before: deque[StillFrame] = deque()
        self.due = float("-inf")
        self.event: _Event | None = None


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class RecordSink:
    """Writes clips, snapshots and lines under one folder while it is entered; a full disk never stops it."""

    name = "record"

    def __init__(self, options: RecordOptions, *, say: Callable[[str], None] = _to_stderr) -> None:
        self.options, self._say = options, say
        self.clips = self.lost = 0
        self._reels: dict[str, _Reel] = {}
        self._quota = Quota(options.folder, NAMES, options.quota_bytes, options.quota_age_s, options.keep_free_bytes)
        most_lines = min(options.line_file_bytes, max(options.quota_bytes // 10, 1))
        self._lines = RotatingLines(options.folder / "lines", self._room, most_lines)
        self._writing: threading.Thread | None = None
        self._checked = float("-inf")
        self._credit = 0
        self._disk = threading.Lock()
        self._complained: set[str] = set()

    def write(self, result: Result) -> None:
        """Remember the picture; begin, go on with or end an event."""
        moment = result.frame.captured
        reel = self._reels.setdefault(result.frame.source, _Reel())
        if moment >= reel.due or result.announced is not None:
            reel.due = max(reel.due, moment - 1 / self.options.fps) + 1 / self.options.fps
            self._remember(reel, (moment, self._still(result)))
        if result.announced is not None:
            self._lines.append(result.to_json())
            self._snapshot(result)
            self._begin(reel, result, moment)
        event = reel.event
        if event is not None and moment >= event.ends:
            reel.event = None
            self._finish(result.frame.source, event)

    def notice(self, notice: Notice) -> None:
        """Keep what happened to a source as a line."""
        self._lines.append(asdict(notice))

    def __enter__(self) -> RecordSink:
        try:
            for part in ("clips", "snapshots", "lines"):
                (self.options.folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkError(f"--record {self.options.folder}: {error.strerror or error}") from None
        self._quota.clear_partials()
        self._quota.make_room(0)
        return self

    def __exit__(self, *exc: object) -> None:
        for source, reel in self._reels.items():
            if reel.event is not None:
                self._finish(source, reel.event)
                reel.event = None
        if self._writing is not None:
            self._writing.join()
        self._lines.close()

    def _remember(self, reel: _Reel, frame: StillFrame) -> None:
        if reel.event is not None:
            reel.event.frames.append(frame)
        reel.before.append(frame)
        while reel.before and reel.before[0][0] < frame[0] - self.options.before_s:
            reel.before.popleft()

    def _begin(self, reel: _Reel, result: Result, moment: float) -> None:
        if reel.event is None:
            reel.event = _Event(
                _stamp(result), result.announced or "", list(reel.before), moment + self.options.after_s
            )
        else:  # another announcement in the middle of a clip makes it longer
            longest = reel.event.frames[0][0] + self.options.longest_s
            reel.event.ends = min(moment + self.options.after_s, longest)

    def _finish(self, source: str, event: _Event) -> None:
        """Write the clip beside the loop; one at a time."""
        if self._writing is not None:
            self._writing.join()
        self._writing = threading.Thread(
            target=self._write_clip, args=(source, event), name="edgelens-clip", daemon=True
        )
        self._writing.start()

    def _write_clip(self, source: str, event: _Event) -> None:
        frames = event.frames
        with self._disk:
            expected = sum(len(data) for _, data in frames)  # an MP4 is smaller than its JPEGs
            target = self.options.folder / "clips" / f"{event.stamp}-{_plain(source)}-{_plain(event.label)}.mp4"
            done = self._quota.make_room(expected) and write_clip(target, frames, self.options.fps)
            self._credit = 0
        self.clips += done
        self._tell(done, "a clip")

    def _snapshot(self, result: Result) -> None:
        data = bytes(cv2.imencode(".jpg", result.frame.image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
        label, source = _plain(result.announced or ""), _plain(result.frame.source)
        with self._disk:
            done = self._quota.make_room(len(data))
            if done:
                try:
                    write_bytes(self.options.folder / "snapshots" / f"{_stamp(result)}-{source}-{label}.jpg", data)
                except WorkError:
                    done = False
            self._credit = 0
        self._tell(done, "a snapshot")

    def _room(self, size: int) -> bool:
        """Whether a line fits; the folder is looked through only once in a while."""
        with self._disk:
            now = time.monotonic()
            if self._credit < size or now - self._checked > 10:
                self._checked = now
                want = max(min(65536, self.options.quota_bytes // 20), size)
                self._credit = want if self._quota.make_room(want) else 0
            self._credit -= size
            return self._credit >= 0

    def _still(self, result: Result) -> bytes:
        image = result.frame.image
        longer = max(image.shape[:2])
        if longer > self.options.max_side:
            scale = self.options.max_side / longer
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])

    def _tell(self, done: bool, what: str) -> None:
        if done:
            self._complained.discard(what)
            return
        self.lost += 1
        if what not in self._complained:
            self._complained.add(what)
            self._say(f"record: {what} could not be kept: no room under {self.options.folder}")


def _stamp(result: Result) -> str:
    moment = result.frame.time
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(moment))}-{int(moment % 1 * 1e6):06d}"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40]
