"""A labelled image set: what every reader of a classification format makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images import read_image

__all__ = ["SPLITS", "ImageSet"]

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class ImageSet:
    """Labels, splits and pictures: files under `root`, or rows of `pixels` for formats that hold arrays."""

    root: str
    format: str  # "folders", "csv", "idx", "cifar10", "npz"
    classes: tuple[str, ...]
    labels: NDArray[np.int32]  # (N,) indices into classes
    splits: NDArray[np.str_]  # (N,) "train", "val", "test", or "" where the data says nothing
    names: Sequence[str]  # (N,) the path relative to root, or `split/index` for arrays
    pixels: NDArray[np.uint8] | None = None  # (N, H, W) gray or (N, H, W, 3) RGB
    passed_over: int = 0  # files that are no images
    masks: NDArray[np.bool_] | None = None  # (N, H, W) True where a pixel was missing and has been filled

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.splits) == len(self.names):
            raise DataError(f"{self.root}: {len(self.labels)} labels, {len(self.names)} images: they must be as many")

    def __len__(self) -> int:
        return len(self.labels)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Picture i as (H, W, 3) uint8 BGR, decoded from the original file."""
        if self.pixels is None:
            return read_image(Path(self.root) / self.names[i])
        stored = self.pixels[i]
        return np.ascontiguousarray(stored[..., ::-1] if stored.ndim == 3 else np.repeat(stored[..., None], 3, axis=2))

    def select(self, rows: NDArray[Any]) -> ImageSet:
        """The given rows (indices or a boolean mask) as a set of their own, with the same classes."""
        picked = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)
        return replace(
            self,
            labels=self.labels[picked],
            splits=self.splits[picked],
            names=[self.names[i] for i in picked],
            pixels=None if self.pixels is None else self.pixels[picked],
            masks=None if self.masks is None else self.masks[picked],
        )

    def split(self, name: str) -> ImageSet:
        """The rows of one split."""
        return self.select(self.splits == name)

    def for_evaluation(self, split: str | None = None) -> tuple[ImageSet, str]:
        """The split to evaluate on and its name: the asked one, else test, else val, else everything."""
        if split not in (None, "all", *SPLITS):
            raise DataError(f"--split {split}: must be one of {', '.join(SPLITS)} or all")
        for name in (split,) if split else ("test", "val"):
            if name != "all" and (self.splits == name).any():
                return self.split(name), str(name)
        if split not in (None, "all"):
            there = ", ".join(sorted({str(s) for s in self.splits if s})) or "none"
            raise DataError(f"{self.root}: has no split {split!r}; there are: {there}")
        return self, "all"
