"""What later steps said of a followed thing: a step of `every: track` looks again only when the thing changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..recognitions import UNKNOWN_ID, Recognitions

__all__ = ["TrackMemory"]

MOST = 512  # answers that are kept; the oldest goes first
GROWN = 2.0  # a thing whose box has so many times the area can be seen better than then


@dataclass(frozen=True)
class _Answer:
    """What a step said, of which label, in which box."""

    seen: Recognitions
    label: int
    box: NDArray[np.float32]  # (4,) x, y, w, h


class TrackMemory:
    """Answers of one source's things, by step and number."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, int], _Answer] = {}

    def recall(self, step: str, things: Recognitions) -> dict[int, Recognitions]:
        """The rows of `things` that need no new look, each with what the step said of it, moved along with it."""
        known = {}
        for row, number in enumerate(_numbers(things)):
            answer = self._answers.get((step, number)) if number > 0 else None
            if answer is not None and _holds(answer, things, row):
                known[row] = _moved(answer, things.places[row])
        return known

    def keep(self, step: str, things: Recognitions, row: int, seen: Recognitions) -> None:
        """What the step has just said of a row."""
        number = _numbers(things)[row]
        if number > 0:
            self._answers.pop((step, number), None)
            self._answers[step, number] = _Answer(seen, int(things.ids[row]), things.places[row].copy())
            if len(self._answers) > MOST:
                self._answers.pop(next(iter(self._answers)))


def _numbers(things: Recognitions) -> list[int]:
    return [-1] * len(things) if things.track_ids is None else things.track_ids.tolist()


def _holds(answer: _Answer, things: Recognitions, row: int) -> bool:
    """Whether the thing is still what was looked at, no better to be seen, and was known then."""
    if answer.label != int(things.ids[row]) or not len(answer.seen) or bool((answer.seen.ids == UNKNOWN_ID).any()):
        return False
    return float(things.places[row, 2:].prod()) < GROWN * float(answer.box[2:].prod())


def _moved(answer: _Answer, box: NDArray[np.float32]) -> Recognitions:
    """The rows where they are by now: what was found inside a thing moves and grows with it."""
    seen, scale = answer.seen, box[2:] / np.maximum(answer.box[2:], 1e-6)
    places, points = seen.places, seen.keypoints
    if not np.isnan(places).all():
        moved = [box[:2] + (places[:, :2] - answer.box[:2]) * scale, places[:, 2:] * scale]
        seen = replace(seen, boxes=np.concatenate(moved, axis=1))
    if points is not None:
        inside = box[:2] + (points[..., :2] - answer.box[:2]) * scale
        seen = replace(seen, keypoints=np.concatenate([inside, points[..., 2:]], axis=-1).astype(np.float32))
    return seen
