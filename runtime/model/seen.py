"""What a bundle saw in a frame, and the clock that says how long that took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ..recognitions import Recognitions

__all__ = ["Clock", "Seen"]

STAGES = ("preprocess", "infer", "decode")
_NOT_ALWAYS = ("merge", "track")  # of tiles, and of things that are followed


@dataclass(frozen=True)
class Seen:
    """What a bundle saw in a frame, how long it took, and which part of the frame it looked at."""

    recognitions: Recognitions
    # milliseconds: preprocess, infer, decode, each the sum of all steps; and every step's own
    stages: Mapping[str, float]
    view: tuple[int, int, int, int]  # x, y, w, h of the frame
    outputs: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # of the one step there is


class Clock:
    """Milliseconds a stage and a step."""

    def __init__(self) -> None:
        self.stages = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()
        self._ended = 0.0  # when the last step did, in milliseconds of work

    def lap(self, stage: str) -> None:
        """The time since the last lap belongs to a stage, one that only some frames have included."""
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self._last) * 1e3
        self._last = now

    def end_step(self, name: str) -> None:
        """What was done since the step before is this step's own time, kept under its name."""
        done = sum(self.stages.get(stage, 0.0) for stage in (*STAGES, *_NOT_ALWAYS))
        self.stages[name], self._ended = done - self._ended, done
