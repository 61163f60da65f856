"""The demo as a source: what `edgelens run` shows where there is no camera, and how right it was."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass

from ..errors import UsageError
from ..frame import Frame
from ..result import Result
from .demo_scene import DemoScene

__all__ = ["DemoJudge", "DemoScore", "DemoSource"]

SMALLEST = 16  # pixels a side
_GRACE_S = 0.3  # an announcement this long after the digit has gone is still about it: smoothing needs a few frames


class DemoSource:
    """The rendered scene at its own pace, or as fast as it is read when `realtime` is off."""

    def __init__(
        self,
        seed: int = 0,
        *,
        size: tuple[int, int] = (480, 640),
        fps: float = 30.0,
        realtime: bool = True,
        name: str | None = None,
    ) -> None:
        if min(size) < SMALLEST:
            raise UsageError(f"the demo draws pictures of {SMALLEST}x{SMALLEST} or more, not {size[1]}x{size[0]}")
        self.name, self.live = name or "demo", realtime
        self.scene = DemoScene(seed, size=size, fps=fps)
        self._index = -1
        self._started = 0.0
        self._stop = threading.Event()

    def read(self) -> Frame | None:
        """The next frame; in real time, the one that is due, waiting until it is."""
        if self._stop.is_set():
            return None
        if not self.live:
            self._index += 1
            captured = time.monotonic()
        else:
            fps = self.scene.fps
            self._index = max(self._index + 1, int((time.monotonic() - self._started) * fps))
            captured = self._started + self._index / fps
            if self._stop.wait(max(captured - time.monotonic(), 0)):
                return None
        return Frame(self.scene.render(self._index), self._index, captured, time.time(), self.name)

    def judge(self) -> DemoJudge:
        """Who holds announcements against what the scene showed."""
        return DemoJudge(self.scene, self.name)

    def interrupt(self) -> None:
        """Wake a read that waits for its frame to be due."""
        self._stop.set()

    def __enter__(self) -> DemoSource:
        self._stop.clear()
        self._started = time.monotonic()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()


@dataclass(frozen=True)
class DemoScore:
    """How the presentations that are over went; `extra` counts announcements beyond one a presentation."""

    right: int
    wrong: int
    missed: int
    extra: int
    total: int
    seed: int

    def to_json(self) -> dict[str, int]:
        """The score as plain JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.right} of {self.total} digits right"


class DemoJudge:
    """Holds announcements against the scene's truth; with a source's name, those of this source alone."""

    name = "demo"

    def __init__(self, scene: DemoScene, source: str | None = None) -> None:
        self._scene, self._source = scene, source
        self._heard: dict[int, list[str]] = {}
        self._extra = 0
        self._seen_until = -1

    def hear(self, result: Result) -> None:
        """Take one result of the demo, in order."""
        if self._source not in (None, result.frame.source):
            return
        index = result.frame.index
        self._seen_until = max(self._seen_until, index)
        if result.announced is None:
            return
        k = self._scene.turn_at(index)
        turn = self._scene.presentation(k)
        if index < turn.entering:  # empty paper: late for the digit before, or invented
            if k == 0 or index - turn.start > _GRACE_S * self._scene.fps:
                self._extra += 1
                return
            k -= 1
        self._heard.setdefault(k, []).append(result.announced)

    def score(self) -> DemoScore:
        """The score of every presentation that has had its whole turn, and its grace."""
        right = wrong = missed = 0
        extra, k = self._extra, 0
        while self._scene.presentation(k).end + _GRACE_S * self._scene.fps <= self._seen_until:
            heard = self._heard.get(k, [])
            digit = str(self._scene.presentation(k).digit)
            right += heard[:1] == [digit]
            wrong += bool(heard) and heard[0] != digit
            missed += not heard
            extra += max(len(heard) - 1, 0)
            k += 1
        return DemoScore(right, wrong, missed, extra, k, self._scene.seed)
