"""One frame's result and its JSON form, which every output of the kit shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .frame import Frame
from .recognitions import Recognitions

__all__ = ["SCHEMA", "Origin", "Result"]

SCHEMA = 2


@dataclass(frozen=True)
class Origin:
    """Whose result it is: the device's stable id, and the bundle that ran."""

    device: str = ""
    bundle: str = ""
    version: int = 0


@dataclass(frozen=True)
class Result:
    """What was seen in a frame, how long each stage took, and how old the frame was when it was done."""

    frame: Frame
    seen: Recognitions
    stages_ms: Mapping[str, float] = field(default_factory=dict)  # capture, preprocess, infer, decode
    age_ms: float = 0.0  # capture → result
    announced: str | None = None  # the label that smoothing announced with this frame, once an appearance
    origin: Origin = field(default_factory=Origin)
    view: tuple[int, int, int, int] | None = None  # x, y, w, h of the frame that reached the network
    events: tuple[Mapping[str, Any], ...] = ()  # what happened just now
    watched: Mapping[str, Any] = field(default_factory=dict)  # "lines" and "zones" by name, with their counts
    standing: tuple[str, ...] = ()  # the labels that have been announced and are not gone, the newest last

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON types, schema 2; an image file's says which it is of.

        `time` is seconds since 1970, in a file or clip seconds since its begin: when it was read says nothing of it.
        """
        path = {} if self.frame.path is None else {"path": self.frame.path}
        place = self.frame.position_s
        position = {} if place is None else {"position_s": round(place, 3)}
        return {
            "schema": SCHEMA,
            "device": self.origin.device,
            "bundle": {"name": self.origin.bundle, "version": self.origin.version},
            "source": self.frame.source,
            **path,
            "frame": self.frame.index,
            "time": round(self.frame.time if place is None else place, 6),
            **position,
            "age_ms": round(self.age_ms, 3),
            "stages_ms": {name: round(ms, 3) for name, ms in self.stages_ms.items()},
            "results": [row.to_dict() for row in self.seen],
            "announced": self.announced,
            "events": [dict(event) for event in self.events],
            **self.watched,
        }
