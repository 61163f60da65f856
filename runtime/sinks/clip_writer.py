"""One thread that codes clips, picture after picture, so that no queue of results waits for an encoder."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from ..errors import EdgelensError
from ..images.read import decode_image
from .clip import Clip
from .losses import Losses, reason
from .quota import NO_ROOM
from .room import Room
from .still import Still

__all__ = ["ClipWriter"]

SPARE_BYTES = 256 * 1024  # room that is made for a clip beyond what it has
IDLE_S = 0.5
FEW_WAITING = 60  # pictures for which what can wait does not
LOOK_UP_S = 0.02
MOST_WAITING = 600  # pictures: an encoder that falls a minute behind would never catch up


class ClipWriter:
    """Takes pictures of clips in order; a clip that cannot be written is left out, counted and said."""

    def __init__(self, room: Room, losses: Losses, fps: float, idle: Callable[[], None]) -> None:
        self._room, self._losses, self._fps, self._idle = room, losses, fps, idle
        self.clips = 0
        self._jobs: queue.SimpleQueue[tuple[Clip, Still | None] | None] = queue.SimpleQueue()
        self._under_way: set[Clip] = set()
        self._given_up: set[Clip] = set()
        self._thread = threading.Thread(target=self._work, name="edgelens-clip", daemon=True)

    def wait(self) -> None:
        """Until the encoder has caught up."""
        while self._jobs.qsize() > FEW_WAITING and self._thread.is_alive():
            time.sleep(LOOK_UP_S)

    def begin(self, target: Path) -> Clip | None:
        """A clip to add pictures to; None where the encoder is too far behind."""
        if self._jobs.qsize() > MOST_WAITING:
            self._losses.lose("clips", "the encoder is slower than what is to be recorded")
            return None
        return Clip(target, self._fps)

    def add(self, clip: Clip, still: Still) -> None:
        """Put a picture into a clip, in time."""
        self._jobs.put((clip, still))

    def end(self, clip: Clip) -> None:
        """Finish a clip, in time."""
        self._jobs.put((clip, None))

    def __enter__(self) -> ClipWriter:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _next(self) -> tuple[Clip, Still | None] | None:
        """The next thing to do; while a clip is under way and nothing comes, its owner may end it."""
        while True:
            try:
                return self._jobs.get(timeout=IDLE_S if self._under_way else None)
            except queue.Empty:
                self._idle()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            clip, still = job
            if still is None:
                self._under_way.discard(clip)
            else:
                self._under_way.add(clip)
            if clip in self._given_up:
                if still is None:
                    self._given_up.discard(clip)
                continue
            try:
                self._step(clip, still)
            except (OSError, EdgelensError, cv2.error) as error:
                clip.discard()
                self._room.release(clip)
                self._losses.lose("clips", reason(error))
                if still is not None:
                    self._given_up.add(clip)

    def _step(self, clip: Clip, still: Still | None) -> None:
        if still is None:
            clip.finish()
            self._room.release(clip)
            self.clips += 1
            self._losses.keep("clips")
            return
        if not self._room.reserve(clip, clip.bytes() + 2 * len(still.pages), SPARE_BYTES):
            raise OSError(NO_ROOM)
        clip.add(still.moment, decode_image(still.picture, "a kept picture"), still.said)
