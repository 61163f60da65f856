"""A labelled image set: what every reader of a classification format makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images.read import read_image, read_image_bytes
from .splits import split_for_evaluation

__all__ = ["MOST_CLASSES", "ImageSet", "in_class_order", "legible"]

MOST_CLASSES = 100_000  # a higher class number is no class: names are made for all below it


@dataclass(frozen=True)
class ImageSet:
    """Labels, splits and pictures: files under `root`, or rows of an array for formats that hold arrays."""

    root: str
    format: str  # "folders", "csv", "idx", "cifar10", "npz"
    classes: tuple[str, ...]
    labels: NDArray[np.int32]  # (N,) indices into classes
    splits: NDArray[np.str_]  # (N,) "train", "val", "test", or "" where the data says nothing
    names: Sequence[str]  # (N,) the path relative to root, or `split/index` for arrays
    stored: NDArray[np.uint8] | None = None  # (M, H, W) gray or (M, H, W, 3) RGB, which parts of the set share
    rows: NDArray[np.intp] | None = None  # (N,) rows of `stored`; None for all of them in order
    passed_over: int = 0  # files that are no images
    masks: NDArray[np.bool_] | None = None  # (N, H, W) True where a pixel was missing and has been filled
    notes: tuple[str, ...] = ()  # what was found beside pictures, a line each, for people
    groups: Sequence[str] | None = None  # (N,) what must stay on one side of every split; None: each by itself
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # files of names that are none: frames of a video

    def __post_init__(self) -> None:
        pictures = len(self.names) if self.stored is None else len(self.stored if self.rows is None else self.rows)
        if not len(self.labels) == len(self.splits) == len(self.names) == pictures:
            raise DataError(f"{self.root}: {len(self.labels)} labels for {pictures} images: they must be as many")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def things(self) -> str:
        """What is counted in it."""
        return "images"

    def counted(self) -> NDArray[np.int64]:
        """(classes,) how many there are of each class."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    def told_of(self, i: int) -> bytes:
        """All that the data says of picture i, for a fingerprint of the set."""
        name: str = self.classes[self.labels[i]]
        return name.encode("utf-8", "surrogateescape")

    @property
    def pixels(self) -> NDArray[np.uint8] | None:
        """(N, H, W) gray or (N, H, W, 3) RGB for formats that hold arrays; a copy for a part of a set."""
        return self.stored if self.stored is None or self.rows is None else self.stored[self.rows]

    def image(self, i: int) -> NDArray[np.uint8]:
        """Picture i as (H, W, 3) uint8 BGR, decoded from the original file."""
        if self.stored is None:
            return read_image(self.file(i))
        picture = self.stored[i if self.rows is None else self.rows[i]]
        bgr = picture[..., ::-1] if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        return np.ascontiguousarray(bgr)

    def content(self, i: int) -> bytes:
        """Picture i's file as it is, or its pixels for formats that hold arrays."""
        if self.stored is None:
            return read_image_bytes(self.file(i))
        pixels: NDArray[np.uint8] = self.stored[i if self.rows is None else self.rows[i]]
        return pixels.tobytes()

    def file(self, i: int) -> Path:
        """Where picture i lies, of a set of files."""
        name = self.names[i]
        return Path(self.elsewhere[name]) if name in self.elsewhere else Path(self.root, name)

    def select(self, rows: NDArray[Any]) -> ImageSet:
        """The given rows (indices or a boolean mask) as a set of their own, with the same classes; no picture moves."""
        picked = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)
        return replace(
            self,
            labels=self.labels[picked],
            splits=self.splits[picked],
            names=[self.names[i] for i in picked.tolist()],
            rows=None if self.stored is None else picked if self.rows is None else self.rows[picked],
            masks=None if self.masks is None else self.masks[picked],
            groups=None if self.groups is None else [self.groups[i] for i in picked.tolist()],
        )

    def split(self, name: str) -> ImageSet:
        """The rows of one split."""
        return self.select(self.splits == name)

    def for_evaluation(self, split: str | None = None) -> tuple[ImageSet, str]:
        """The split to evaluate on and its name: the asked one, else test, else val, else everything."""
        name = split_for_evaluation(self.splits, split, self.root)
        return (self if name == "all" else self.split(name)), name


def in_class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in their order: numbers by value (2 before 10), everything else by the alphabet."""
    distinct = set(names)
    if all(name.isascii() and name.isdigit() for name in distinct):
        return tuple(sorted(distinct, key=_by_value))
    return tuple(sorted(distinct))


def _by_value(digits: str) -> tuple[int, str, str]:
    """What numbers are sorted by, however many digits they have."""
    plain = digits.lstrip("0")
    return len(plain), plain, digits


def legible(name: str) -> str:
    """A class's name as text that can be written anywhere: bytes that are no UTF-8 are read as Latin-1."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("latin-1")
    return name
