"""A network's answers on the images of a labelled set, one by one: what both kinds of evaluation share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ImageError
from ..preprocess import Region
from ..recognitions import Recognitions
from .network import LoadedNetwork, StageTimes

__all__ = ["Answers", "LabelledImages"]


class LabelledImages(Protocol):
    """What an image set and a box set have in common."""

    @property
    def root(self) -> str:
        """Where they come from, for messages."""

    def image(self, i: int) -> NDArray[np.uint8]:
        """The picture of one row, uint8 BGR."""

    def __len__(self) -> int: ...


class Answers:
    """Iterates over index, (height, width) and answer of every image that can be decoded; names the others."""

    def __init__(
        self,
        loaded: LoadedNetwork,
        images: LabelledImages,
        *,
        region: Region | None = None,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.times: list[StageTimes] = []
        self.unreadable: list[str] = []
        self._loaded, self._images, self._progress = loaded, images, progress
        self._region, self._threshold = region, threshold

    def __iter__(self) -> Iterator[tuple[int, tuple[int, int], Recognitions]]:
        images = self._images
        for i in range(len(images)):
            try:
                image = images.image(i)
            except ImageError as error:
                self.unreadable.append(str(error))
                continue
            stages = StageTimes()
            seen = self._loaded.recognize(image, self._region, stages, self._threshold)
            self.times.append(stages)
            yield i, (image.shape[0], image.shape[1]), seen
            if self._progress is not None:
                self._progress(i + 1, len(images))
        if not self.times:
            why = f" ({self.unreadable[0]})" if self.unreadable else ""
            what = f"none of {len(images)} images can be decoded{why}" if len(images) else "has no images"
            raise DataError(f"{images.root}: {what}")
