"""Teaching what a source shows while the loop runs: its model looks once more, between two frames."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..preprocess import Region
from .lane import Lane

if TYPE_CHECKING:
    from ..gallery.gallery import Gallery, Named
    from ..model.recognizer import BundleRecognizer

__all__ = ["LaneLessons"]


@dataclass(frozen=True)
class LaneLessons:
    """Teaches the models that the loop's sources run."""

    lanes: Sequence[Lane]

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
        """Put what a frame of a source shows under a name; the lesson, and how many pictures the name has now."""
        from ..model.teaching import Teacher

        with self._lane(source).recognizer() as recognizer:
            teacher = Teacher(recognizer)
            shown = teacher.look(image, region, box=box)
            return teacher.lesson(name, [] if shown is None else [shown], source=source, photos=photos)

    def undo(self, source: str, lesson: str) -> int:
        """Take a lesson back; how many pictures that were."""
        from ..model.teaching import Teacher

        with self._lane(source).recognizer() as recognizer:
            return Teacher(recognizer).gallery().undo(lesson)

    def names(self, source: str) -> Sequence[Named]:
        """What a source's model was taught; nothing where it cannot be taught."""
        with self._lane(source).recognizer() as recognizer:
            gallery = _known(recognizer)
            return () if gallery is None else gallery.names

    def picture(self, source: str, name: str) -> bytes:
        """A name's newest picture as JPEG; empty where none is kept."""
        with self._gallery(source) as gallery:
            return gallery.picture(name)

    def rename(self, source: str, name: str, to: str) -> None:
        """Call a name otherwise."""
        with self._gallery(source) as gallery:
            gallery.rename(name, to)

    def forget(self, source: str, name: str) -> int:
        """Forget a name with its pictures; how many those were."""
        with self._gallery(source) as gallery:
            return gallery.remove(name)

    @contextlib.contextmanager
    def _gallery(self, source: str) -> Iterator[Gallery]:
        with self._lane(source).recognizer() as recognizer:
            gallery = _known(recognizer)
            if gallery is None:
                raise UsageError("nothing was taught to this model")
            yield gallery

    def _lane(self, source: str) -> Lane:
        for lane in self.lanes:
            if lane.source.name == source:
                return lane
        raise UsageError("no source of that name")


def _known(recognizer: BundleRecognizer) -> Gallery | None:
    """The gallery as far as there is one; a network that cannot be taught has none."""
    taught = recognizer.main.taught
    return None if taught is None else taught.existing()
