"""Frames of one source for a verb that looks at them itself, without a recognizer's loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from ..frame import Frame
from ..sources.protocol import Source
from .feeds import Feeds

__all__ = ["frames_of"]

_LOOK_UP_S = 0.2  # how often it looks whether it is to end while nothing comes


def frames_of(source: Source, *, ends: float, stop: Callable[[], bool], say: Callable[[str], None]) -> Generator[Frame]:
    """A camera's newest frames, or all of a file's, until `stop` says so or the monotonic time `ends` is reached."""
    with Feeds([source], lambda notice: say(notice.text)) as feeds:
        while not stop() and time.monotonic() < ends:
            got = feeds.take(_LOOK_UP_S)
            if got is not None:
                yield got[1].frame
                continue
            feeds.check()
            if feeds.over:
                return
