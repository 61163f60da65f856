"""Images as the pictures that a network sees, made once by the camera's own pixel path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, ImageError
from edgelens.runtime.preprocess import PixelContract, fit_frame

__all__ = ["Pictures", "pictures_of"]

_MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Pictures:
    """Pictures with their labels, and the rows of the image set that they come from."""

    pixels: NDArray[np.uint8]  # (N, H, W, C)
    labels: NDArray[np.int32]  # (N,)
    rows: NDArray[np.intp]  # (N,)
    images: ImageSet

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> Pictures:
        """The first so many."""
        return Pictures(self.pixels[:count], self.labels[:count], self.rows[:count], self.images)

    def at(self, contract: PixelContract) -> NDArray[np.uint8]:
        """The same pictures (N, H, W, C) as another contract makes them."""
        return np.stack([fit_frame(self.images.image(int(row)), contract)[0] for row in self.rows])


def pictures_of(images: ImageSet, contract: PixelContract, *, most: int | None = None, seed: int = 0) -> Pictures:
    """A set's pictures, or a random part of them that is even over the classes; unreadable ones are left out."""
    room = max(_MOST_BYTES // (contract.height * contract.width * contract.channels), 1)
    rows = _even_part(images, min(most or len(images), room), seed)
    made: list[NDArray[np.uint8]] = []
    kept: list[int] = []
    problem = ""
    for row in rows:
        try:
            made.append(fit_frame(images.image(int(row)), contract)[0])
            kept.append(int(row))
        except ImageError as error:
            problem = str(error)
    if not made:
        raise DataError(f"{images.root}: has no image that can be used" + (f" ({problem})" if problem else ""))
    picked = np.array(kept, np.intp)
    return Pictures(np.stack(made), images.labels[picked], picked, images)


def _even_part(images: ImageSet, count: int, seed: int) -> NDArray[np.intp]:
    """Rows in random order, the classes taking turns."""
    rows = np.random.default_rng(seed).permutation(len(images))
    if count >= len(rows):
        return rows
    turn = np.zeros(len(rows), np.int64)
    for label in np.unique(images.labels[rows]):
        mine = images.labels[rows] == label
        turn[mine] = np.arange(mine.sum())
    return rows[np.argsort(turn, kind="stable")[:count]]
