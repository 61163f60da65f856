"""One frame's result and its JSON form, which every output of the kit shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .frame import Frame
from .recognitions import Recognitions

__all__ = ["SCHEMA", "Result"]

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """What was seen in a frame, how long each stage took, and how old the frame was when it was done."""

    frame: Frame
    seen: Recognitions
    stages_ms: Mapping[str, float] = field(default_factory=dict)  # capture, preprocess, infer, decode
    age_ms: float = 0.0  # capture → result
    announced: str | None = None  # the label that smoothing announced with this frame, once an appearance
    device: str = ""
    view: tuple[int, int, int, int] | None = None  # x, y, w, h of the frame that reached the network

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON types, schema 1; an image file's says which it is of."""
        path = {} if self.frame.path is None else {"path": self.frame.path}
        return {
            "schema": SCHEMA,
            "device": self.device,
            "source": self.frame.source,
            **path,
            "frame": self.frame.index,
            "time": round(self.frame.time, 6),
            "age_ms": round(self.age_ms, 3),
            "stages_ms": {name: round(ms, 3) for name, ms in self.stages_ms.items()},
            "results": [self._row(i) for i in range(len(self.seen))],
            "announced": self.announced,
        }

    def _row(self, i: int) -> dict[str, Any]:
        seen = self.seen
        row: dict[str, Any] = {
            "label": seen.label(i),
            "id": int(seen.ids[i]),
            "score": round(float(seen.scores[i]), 6),
        }
        if seen.boxes is not None:
            row["box"] = [round(float(v), 2) for v in seen.boxes[i]]
        if seen.texts is not None:
            row["text"] = seen.texts[i]
        if seen.track_ids is not None:
            row["track"] = int(seen.track_ids[i])
        if seen.keypoints is not None:
            row["keypoints"] = [[round(float(v), 3) for v in point] for point in seen.keypoints[i]]
        if seen.parents is not None:
            row["parent"] = int(seen.parents[i])
        return row
