"""Teaching what a source shows while the loop runs: its model looks once more, between two frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..preprocess import Region
from .lane import Lane

__all__ = ["LaneLessons"]


@dataclass(frozen=True)
class LaneLessons:
    """Teaches the models that the loop's sources run."""

    lanes: Sequence[Lane]

    def teach(self, source: str, name: str, image: NDArray[np.uint8], region: Region | None) -> dict[str, Any]:
        """Put what a frame of a source shows under a name; the lesson, and how many pictures the name has now."""
        from ..gallery.exemplar import checked_name
        from ..model.teaching import Teacher

        with self._lane(source).recognizer() as recognizer:
            teacher = Teacher(recognizer)
            shown = teacher.look(image, region)
            lesson = teacher.teach(name, [] if shown is None else [shown], source=source)
            spelled = checked_name(name)
            pictures = next(each.exemplars for each in teacher.gallery().names if each.name == spelled)
            return {"name": spelled, "lesson": lesson, "pictures": pictures}

    def undo(self, source: str, lesson: str) -> int:
        """Take a lesson back; how many pictures that were."""
        from ..model.teaching import Teacher

        with self._lane(source).recognizer() as recognizer:
            return Teacher(recognizer).gallery().undo(lesson)

    def _lane(self, source: str) -> Lane:
        for lane in self.lanes:
            if lane.source.name == source:
                return lane
        raise UsageError("no source of that name")
