"""One source's way through the loop: its model, which may be exchanged meanwhile, and all that is kept for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from ..model.following import Follower
from ..model.recognizer import BundleRecognizer
from ..sources.protocol import Source
from .model_slot import ModelAsked, ModelSlot
from .slot import Waiting
from .smoothing import Announcer, Smoother
from .summary import Tally

if TYPE_CHECKING:
    from ..zones.masks import PrivacyMask
    from ..zones.options import ZoneOptions
    from ..zones.watch import Watch
    from .motion import MotionGate

__all__ = ["Lane", "models_of"]


@dataclass
class Lane:
    """One source's way through the loop, with the state that is kept for it."""

    source: Source
    model: ModelSlot
    _: KW_ONLY
    motion: MotionGate | None = None
    follower: Follower | None = None  # follows things from frame to frame
    watch: Watch | None = None  # its lines and zones
    mask: PrivacyMask | None = None
    places: ZoneOptions | None = None  # the lines and zones that it watches
    place: Callable[[ZoneOptions], None] | None = None  # watches others from the next frame on
    stills: bool = False  # pictures that have nothing to do with one another: nothing is smoothed or announced
    at_hand: Mapping[str, ModelAsked] = field(default_factory=dict)  # what a model's name means on this source
    smoother: Smoother = field(default_factory=Smoother)
    announcer: Announcer = field(default_factory=Announcer)
    tally: Tally = field(default_factory=Tally)
    unmoved: int = 0  # frames that were passed over because nothing had moved in them
    passed_over: Waiting | None = None  # the newest of these, of a file whose next frame has not come
    _changing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextlib.contextmanager
    def recognizer(self) -> Iterator[BundleRecognizer]:
        """What recognizes this source's frames; it is not exchanged meanwhile."""
        with self._changing, self.model.in_use() as recognizer:
            yield recognizer

    def asked(self, name: str) -> ModelAsked:
        """What is asked for where this source is to run a model of that name."""
        return self.at_hand.get(name) or ModelAsked(name)

    def take(self, model: ModelSlot) -> None:
        """Recognize with another model from the next frame on."""
        with self._changing:
            self.model = model


def models_of(lanes: Sequence[Lane]) -> list[ModelSlot]:
    """The models that run, each once."""
    return list({id(model): model for model in (lane.model for lane in lanes)}.values())
