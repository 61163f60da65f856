"""The newest results as JPEG records: a size once for all its viewers, and only when one of them has taken the last."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ...result import Result
from .hub import Hub
from .stream import frame_record, spelled

__all__ = ["Encoder", "jpeg"]

SMALL_SIDE = 480  # the longer one of a picture in a grid of cards: what four of them have of a desktop's width
SMALL_EVERY_S = 0.08  # the page draws its cards together as often: what came between would not be shown


def jpeg(image: NDArray[np.uint8], quality: int = 80, max_side: int | None = None) -> bytes:
    """A BGR picture as JPEG, made smaller first where its longer side is past `max_side`."""
    longer = max(image.shape[:2])
    if max_side is not None and longer > max_side:
        scale = max_side / longer
        size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
        image = _smaller(image, size)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(data)


def _smaller(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Halves by area, then the rest linearly: a fifth of what area takes from 640 to 480, and it looks the same."""
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


@dataclass
class _Waiting:
    """A source's newest result, and the sizes of it that have been made."""

    result: Result
    made: set[bool] = field(default_factory=set)
    said: bytes = b""  # of the result, spelled once for all sizes


class Encoder:
    """A thread that turns the newest result of each source into a record for the hub; a context manager."""

    def __init__(self, hub: Hub, *, quality: int = 80, max_side: int = 1280, max_fps: float = 30.0) -> None:
        self.encoded = 0
        self._hub, self._quality, self._max_side = hub, quality, max_side
        self._pause_s = 0.6 / max_fps  # less than a period: a camera at this rate that is not quite even loses no frame
        self._waiting: dict[str, _Waiting] = {}
        self._made: dict[tuple[str, bool], float] = {}  # monotonic seconds
        self._last: dict[str, float] = {}
        self._condition = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="edgelens-jpeg", daemon=True)

    def offer(self, result: Result) -> None:
        """Take a result; costs nothing while nobody looks."""
        if self._hub.viewers == 0:
            return
        source, now = result.frame.source, time.monotonic()
        if now - self._last.get(source, 0.0) < self._pause_s:
            return
        self._last[source] = now
        with self._condition:
            self._waiting[source] = _Waiting(result)
            self._condition.notify()

    def __enter__(self) -> Encoder:
        self._hub.when_taken = self._wake
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(2)

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not (due := self._due()) and not self._stopping:
                    self._condition.wait(SMALL_EVERY_S if self._waiting else None)
                if self._stopping:
                    return
            for source, waiting, small in due:
                record = self._record(waiting, SMALL_SIDE if small else self._max_side)
                self._hub.post_frame(source, record, small=small)

    def _due(self) -> list[tuple[str, _Waiting, bool]]:
        """What is to be made now: sizes that somebody waits for; called with the condition held."""
        now, due = time.monotonic(), []
        for source, waiting in tuple(self._waiting.items()):
            if not self._hub.sizes(source) - waiting.made:
                del self._waiting[source]  # all who look have it, or nobody looks any more
                continue
            for small in self._hub.wanted(source) - waiting.made:
                if not small or now - self._made.get((source, small), 0.0) >= SMALL_EVERY_S:
                    self._made[source, small] = now
                    waiting.made.add(small)
                    due.append((source, waiting, small))
        return due

    def _record(self, waiting: _Waiting, max_side: int) -> bytes:
        result = waiting.result
        if not waiting.said:
            height, width = result.frame.size
            said = {**result.to_json(), "size": [width, height], "sent": round(time.time(), 6)}
            waiting.said = spelled(said)
        self.encoded += 1
        return frame_record(waiting.said, jpeg(result.frame.image, self._quality, max_side))
