"""Recording what was announced: clips with some seconds before and after, snapshots, and lines.

The seconds before wait as JPEG in memory. From the announcement on, pictures go into a clip on the disk, the waiting
ones a few at a time; a thread of its own checks and syncs the clip when its event is over.
"""

from __future__ import annotations

import mmap
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

import cv2

from ..errors import WorkError
from ..host.files import write_bytes
from ..images.read import decode_image
from ..result import Result
from .clip import Clip
from .lines import RotatingLines
from .options.record import RecordOptions
from .protocol import Notice
from .quota import Quota

__all__ = ["RecordSink"]

CATCH_UP = 3  # waiting pictures that go into a clip with every result
SPARE_BYTES = 256 * 1024  # room that is made for a clip beyond what it has
NAMES = re.compile(r"\d{8}-\d{6}-[\w.-]*\.(mp4|jpg|jsonl)")


Still = tuple[float, mmap.mmap]  # capture time in seconds, JPEG


@dataclass
class _Event:
    """A clip under way."""

    clip: Clip
    waiting: deque[Still]
    began: float  # capture time
    ends: float
    reserved: int = 0  # bytes that room was made for


class _Reel:
    """What is remembered of one source."""

    def __init__(self) -> None:
        self.before: deque[Still] = deque()
        self.due = float("-inf")
        self.event: _Event | None = None


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class RecordSink:
    """Writes clips, snapshots and lines under one folder while it is entered; a full disk never stops it."""

    name = "record"

    def __init__(self, options: RecordOptions, *, say: Callable[[str], None] = _to_stderr) -> None:
        assert options.folder is not None
        self.options, self.folder, self._say = options, options.folder, say
        self.clips = self.lost = 0
        self._reels: dict[str, _Reel] = {}
        self._most = int(options.most_mb * 1e6)
        self._quota = Quota(self.folder, NAMES, self._most, options.most_days * 86400, options.keep_free_bytes)
        most_lines = min(options.line_file_bytes, max(self._most // 10, 1))
        self._lines = RotatingLines(self.folder / "lines", self._room, most_lines)
        self._writing: threading.Thread | None = None
        self._checked = float("-inf")
        self._credit = self._reserved = 0
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
        if event is not None:
            self._go_on(reel, event, CATCH_UP)
            if moment >= event.ends:
                self._end(reel, event)

    def notice(self, notice: Notice) -> None:
        """Keep what happened to a source as a line."""
        self._lines.append(asdict(notice))

    def __enter__(self) -> RecordSink:
        try:
            for part in ("clips", "snapshots", "lines"):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkError(f"--record {self.folder}: {error.strerror or error}") from None
        self._quota.clear_partials()
        self._quota.make_room(0)
        return self

    def __exit__(self, *exc: object) -> None:
        for reel in self._reels.values():
            if reel.event is not None:
                self._end(reel, reel.event)
        if self._writing is not None:
            self._writing.join()
        self._lines.close()

    def _remember(self, reel: _Reel, still: Still) -> None:
        if reel.event is not None:
            reel.event.waiting.append(still)
        reel.before.append(still)
        while reel.before and reel.before[0][0] < still[0] - self.options.before_s:
            reel.before.popleft()

    def _begin(self, reel: _Reel, result: Result, moment: float) -> None:
        if reel.event is not None:  # another announcement in the middle of a clip makes it longer
            reel.event.ends = min(moment + self.options.after_s, reel.event.began + self.options.longest_s)
            return
        name = f"{_stamp(result)}-{_plain(result.frame.source)}-{_plain(result.announced or '')}.mp4"
        clip = Clip(self.folder / "clips" / name, self.options.fps)
        reel.event = _Event(clip, deque(reel.before), reel.before[0][0], moment + self.options.after_s)

    def _go_on(self, reel: _Reel, event: _Event, most: int | None = None) -> None:
        """Put waiting pictures into the clip; without room for them it is given up."""
        for _ in range(len(event.waiting) if most is None else min(most, len(event.waiting))):
            moment, data = event.waiting.popleft()
            if not self._reserve(event, len(data)):
                reel.event = None
                self._release(event)
                event.clip.discard()
                self._tell(False, "a clip")
                return
            event.clip.add(moment, decode_image(data[:], "a kept picture"))

    def _reserve(self, event: _Event, size: int) -> bool:
        """Whether the quota and the disk have room for a clip to grow by a picture."""
        need = event.clip.bytes() + 2 * size
        if need <= event.reserved:
            return True
        want = need + min(SPARE_BYTES, self._most // 10)
        with self._disk:
            done = self._quota.make_room(self._reserved - event.reserved + want)
            if done:
                self._reserved, event.reserved = self._reserved - event.reserved + want, want
        return done

    def _release(self, event: _Event) -> None:
        with self._disk:
            self._reserved, event.reserved = self._reserved - event.reserved, 0

    def _end(self, reel: _Reel, event: _Event) -> None:
        """Finish the clip beside the loop; one at a time."""
        self._go_on(reel, event)
        if reel.event is None:
            return
        reel.event = None
        if self._writing is not None:
            self._writing.join()
        self._writing = threading.Thread(target=self._finish, args=(event,), name="edgelens-clip", daemon=True)
        self._writing.start()

    def _finish(self, event: _Event) -> None:
        done = event.clip.finish()
        self._release(event)
        self.clips += done
        self._tell(done, "a clip")

    def _snapshot(self, result: Result) -> None:
        data = bytes(cv2.imencode(".jpg", result.frame.image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
        label, source = _plain(result.announced or ""), _plain(result.frame.source)
        with self._disk:
            done = self._quota.make_room(self._reserved + len(data))
            if done:
                try:
                    write_bytes(self.folder / "snapshots" / f"{_stamp(result)}-{source}-{label}.jpg", data)
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
                want = max(min(65536, self._most // 20), size)
                self._credit = want if self._quota.make_room(self._reserved + want) else 0
            self._credit -= size
            return self._credit >= 0

    def _still(self, result: Result) -> mmap.mmap:
        """A picture as JPEG in pages of its own: what waits for seconds among short-lived frames scatters the heap."""
        image = result.frame.image
        longer = max(image.shape[:2])
        if longer > self.options.max_side:
            scale = self.options.max_side / longer
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
        still = mmap.mmap(-1, len(data))
        still.write(data.data)
        return still

    def _tell(self, done: bool, what: str) -> None:
        if done:
            self._complained.discard(what)
            return
        self.lost += 1
        if what not in self._complained:
            self._complained.add(what)
            self._say(f"record: {what} could not be kept: no room under {self.folder}")


def _stamp(result: Result) -> str:
    moment = result.frame.time
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(moment))}-{int(moment % 1 * 1e6):06d}"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40]
