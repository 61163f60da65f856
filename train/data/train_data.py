"""A data set as training takes it: pictures, labels and what they were made from, a part a split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract

from .check import DataCheck
from .pictures import StoredPictures

__all__ = ["Part", "TrainData"]


@dataclass(frozen=True)
class Part:
    """One split: its pictures, its labels, and the rows of the data set that they were made from."""

    pictures: StoredPictures  # (N, H, W, C) uint8
    labels: NDArray[np.int64]  # (N,)
    images: ImageSet
    missing: NDArray[np.float32] | None = None  # (N,) share of each picture that was missing and has been filled
    named: int = 0  # of the last pictures, which nobody labelled and a teacher named

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TrainData:
    """A data set ready to train on; validation and test pictures are exactly what `evaluate` would make."""

    classes: tuple[str, ...]
    pixels: PixelContract
    train: Part
    val: Part
    test: Part | None
    check: DataCheck
    fingerprint: str  # of the images' content and labels, whatever their order and names
    images: ImageSet  # every readable image, with the split it was given, and what it must not be parted from

    @property
    def judging(self) -> Part:
        """The part that a training is judged by: its own pictures where none are left to validate on."""
        return self.val if len(self.val) else self.train

    @property
    def names(self) -> list[str]:
        """Every image's name, in the order of `splits`."""
        return list(self.images.names)

    @property
    def groups(self) -> list[str]:
        """What every image must not be parted from, in the order of `splits`; nothing else has its name."""
        return self.names if self.images.groups is None else list(self.images.groups)

    @property
    def splits(self) -> NDArray[np.str_]:
        """Every image's split."""
        return self.images.splits
