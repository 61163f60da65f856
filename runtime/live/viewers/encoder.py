"""The newest results as JPEG records: a size is encoded once for all its viewers, and only while somebody looks."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
from numpy.typing import NDArray

from ...result import Result
from .hub import Hub
from .stream import frame_record, spelled

__all__ = ["Encoder", "jpeg"]

SMALL_SIDE = 480  # the longer one of a picture in a grid of cards: what four of them have of a desktop's width


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


class Encoder:
    """A thread that turns the newest result of each source into a record for the hub; a context manager."""

    def __init__(self, hub: Hub, *, quality: int = 80, max_side: int = 1280, max_fps: float = 30.0) -> None:
        self.encoded = 0
        self._hub, self._quality, self._max_side = hub, quality, max_side
        self._pause_s = 0.6 / max_fps  # less than a period: a camera at this rate that is not quite even loses no frame
        self._waiting: dict[str, Result] = {}
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
            self._waiting[source] = result
            self._condition.notify()

    def __enter__(self) -> Encoder:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(2)

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                waiting, self._waiting = self._waiting, {}
            for source, result in waiting.items():
                self._post(source, result)

    def _post(self, source: str, result: Result) -> None:
        """The result with its picture in every size that somebody looks at; what is said of it is spelled once."""
        sizes = self._hub.sizes(source)
        if not sizes:
            return
        height, width = result.frame.size
        said = spelled({**result.to_json(), "size": [width, height], "sent": round(time.time(), 6)})
        for small in sizes:
            self.encoded += 1
            picture = jpeg(result.frame.image, self._quality, SMALL_SIDE if small else self._max_side)
            self._hub.post_frame(source, frame_record(said, picture), small=small)
