"""What can be changed and asked while the loop runs: the page's knobs and the service's answers.

The loop reads `settings` once a frame; whoever changes them replaces the whole (frozen) object under the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..preprocess import Region
from ..zones.options import ZoneOptions
from .board import BoardReading

if TYPE_CHECKING:
    from ..gallery.gallery import Named

__all__ = ["Control", "Lessons", "LoopStatus", "ModelStatus", "Settings", "SinkStatus", "SourceState", "SourceStatus"]

SourceState = Literal["starting", "ok", "away", "ended"]


@dataclass(frozen=True)
class Settings:
    """The knobs of one source."""

    threshold: float | None = None  # None: the bundle's own
    smoothing: float = 0.5  # weight of the newest frame in the exponential average, 1 is off
    agree: tuple[int, int] = (3, 5)  # announced when N of the last M frames agree above the threshold
    region: Region | None = None
    paused: bool = False
    max_fps: float | None = None
    classes: tuple[str, ...] | None = None  # only these are shown, announced and counted; None is all
    places: ZoneOptions | None = None  # lines and zones that were drawn while it runs, in place of those before


@dataclass(frozen=True)
class ModelStatus:
    """What recognizes, and how it runs."""

    name: str  # as it was asked for
    engine: str = ""
    precision: str = ""
    bundle: str = ""  # the bundle's own name
    version: int = 0  # of its content
    sha256: str = ""  # of its file; empty where that is not known


@dataclass(frozen=True)
class SourceStatus:
    """How one source is doing."""

    name: str
    live: bool
    connected: bool
    captured: int = 0
    processed: int = 0
    skipped: int = 0
    recoveries: int = 0
    fps: float = 0.0
    age_ms: float = 0.0  # capture to result; of a camera that is away how long ago its last frame came
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    model: ModelStatus = ModelStatus("")
    state: SourceState = "ok"
    problem: str = ""  # why it is away, in words
    seconds_since_frame: float = 0.0  # since the start where none has come yet
    seen: Mapping[str, int] = field(default_factory=dict)  # frames in which each label was seen
    announced: Mapping[str, int] = field(default_factory=dict)  # how often each label was announced
    watched: Mapping[str, Any] = field(default_factory=dict)  # its lines and zones with their counts


@dataclass(frozen=True)
class SinkStatus:
    """How one sink is doing."""

    name: str
    dropped: int = 0  # results it was too slow for
    lost: int = 0  # results, clips, messages, … that it could not keep
    error: str = ""  # what is wrong now; empty while all is well
    waiting: int | None = None  # messages it keeps until somebody takes them; None where it keeps none


@dataclass(frozen=True)
class LoopStatus:
    """How the loop is doing."""

    model: ModelStatus  # the first source's
    started: float  # wall clock, seconds
    sources: tuple[SourceStatus, ...] = ()
    board: BoardReading = field(default_factory=BoardReading)
    sinks: tuple[SinkStatus, ...] = ()
    slowed_to_fps: float | None = None  # the rate that heat allows, None when it is not limiting


class Lessons(Protocol):
    """Teaches the models of a running loop."""

    def teach(
        self,
        source: str,
        name: str,
        image: NDArray[np.uint8],
        region: Region | None,
        *,
        box: Region | None = None,
        photos: bool = True,
    ) -> dict[str, Any]:
        """Put what a frame of a source shows under a name, with a small copy or without; `box` is what is meant."""

    def undo(self, source: str, lesson: str) -> int:
        """Take a lesson back."""

    def names(self, source: str) -> Sequence[Named]:
        """What a source's model was taught."""

    def picture(self, source: str, name: str) -> bytes:
        """A name's newest picture as JPEG; empty where none is kept."""

    def rename(self, source: str, name: str, to: str) -> None:
        """Call a name otherwise."""

    def forget(self, source: str, name: str) -> int:
        """Forget a name with its pictures."""


class Control:
    """Thread-safe settings, status and model swap of a running loop."""

    def __init__(self, sources: Sequence[str], settings: Settings, models: Sequence[str] = ()) -> None:
        self.models = tuple(models)  # bundles at hand that `swap` may be asked for
        self._settings = dict.fromkeys(sources, settings)
        self._lock = threading.Lock()
        self._status: Callable[[], LoopStatus] | None = None
        self._swap: Callable[[str, str | None], None] | None = None
        self.lessons: Lessons | None = None  # what teaches the running models; None where nothing is watched

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources' names, in order."""
        return tuple(self._settings)

    def settings(self, source: str) -> Settings:
        """The knobs of a source as they are now."""
        return self._settings[source]

    def change(self, source: str | None = None, **changes: Any) -> None:
        """Set knobs of one source, or of all."""
        with self._lock:
            for name in self._settings if source is None else (source,):
                self._settings[name] = replace(self._settings[name], **changes)

    def attach(
        self,
        status: Callable[[], LoopStatus],
        swap: Callable[[str, str | None], None],
        lessons: Lessons | None = None,
    ) -> None:
        """The loop says how it answers; called once, when it starts."""
        self._status, self._swap, self.lessons = status, swap, lessons

    def status(self) -> LoopStatus | None:
        """How the loop is doing, None before it has started."""
        return self._status() if self._status else None

    def swap(self, model: str, source: str | None = None) -> None:
        """Run another model on a source, or on all, without stopping; one that fails its golden frames is refused."""
        if self._swap is not None:
            self._swap(model, source)
