"""Sources that do what a test tells them: the only way to have a camera that is lost at a given frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import numpy as np

from edgelens.runtime.errors import SourceError
from edgelens.runtime.frame import Frame


def picture(value: int = 0, height: int = 40, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


class Scripted:
    """Gives the frames of one script each time it is opened: arrays, seconds to wait, or an error to raise."""

    def __init__(self, *scripts: Iterable, live: bool = False, name: str = "scripted") -> None:
        self.name, self.live = name, live
        self.opened = self.closed = 0
        self._scripts = [list(script) for script in scripts]
        self._steps: list = []
        self._index = 0
        self._stop = threading.Event()

    def read(self) -> Frame | None:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                if self._stop.wait(step):
                    return None
                continue
            if isinstance(step, Callable):
                step()
                continue
            frame = Frame(step, self._index, time.monotonic(), time.time(), self.name)
            self._index += 1
            return frame
        return None

    def interrupt(self) -> None:
        self._stop.set()

    def __enter__(self) -> Scripted:
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.opened += 1
        if script and isinstance(script[0], SourceError):
            raise script[0]
        self._steps = list(script)
        return self

    def __exit__(self, *exc: object) -> None:
        self.closed += 1
