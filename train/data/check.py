"""The check before training: what in the data would spoil it, as plain data for the table and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet, legible
from edgelens.runtime.datasets.splits import SPLITS
from edgelens.runtime.preprocess import PixelContract

from .duplicates import Duplicate, exact_duplicates, near_duplicates

__all__ = ["DataCheck", "check"]

_TINY = 2.0  # times enlarged for the network
_LONG = 3.0  # times the usual aspect ratio, which of lines of text is large
_ODD = 8.0  # times larger or smaller than the median area


@dataclass(frozen=True)
class DataCheck:
    """What was found; every list names images as the data set does."""

    counts: dict[str, dict[str, int]]  # split → class → images, or what else is counted
    unreadable: tuple[str, ...]  # one line each
    passed_over: int  # files that are no images
    exact: tuple[Duplicate, ...]
    near: tuple[Duplicate, ...]
    tiny: tuple[str, ...]
    odd: tuple[str, ...]  # of an unusual shape or size
    blank: tuple[str, ...]  # all of one colour
    once: tuple[str, ...]  # classes with one image
    alike: tuple[tuple[str, str], ...]  # class names that differ in case or spaces only
    illegible: tuple[str, ...] = ()  # whose names are no UTF-8
    things: str = "images"  # what is counted
    elsewhere: tuple[str, ...] = ()  # classes that another split has and the training images do not
    pictures: dict[str, int] = field(default_factory=dict)  # split → images
    unjudged: tuple[str, ...] = ()  # classes that are learnt and that the validation images do not have
    notes: tuple[str, ...] = ()  # what was found beside pictures, such as broken boxes, a line each

    @property
    def leaks(self) -> tuple[Duplicate, ...]:
        """Duplicates whose images are in different splits: the score on the second is flattered."""
        return tuple(pair for pair in (*self.exact, *self.near) if pair.splits[0] != pair.splits[1])

    @property
    def conflicts(self) -> tuple[Duplicate, ...]:
        """Duplicates with different labels: one of them is wrong."""
        near = self.near if self.things == "images" else ()  # of things, a picture's label is one of many
        return tuple(pair for pair in (*self.exact, *near) if pair.labels[0] != pair.labels[1])

    @property
    def imbalance(self) -> float:
        """The largest training class's images over the smallest's."""
        counts = [n for n in self.counts.get("train", {}).values() if n]
        return max(counts) / min(counts) if counts else 1.0


def check(
    images: ImageSet,
    digests: Sequence[bytes],
    facts: NDArray[np.void],
    pixels: PixelContract,
    unreadable: Sequence[str],
) -> DataCheck:
    """Look at what was read and decoded; nothing is changed."""
    heights, widths = facts["height"].astype(float), facts["width"].astype(float)
    thumbs = facts["thumb"]
    area, ratio = heights * widths, np.maximum(heights, widths) / np.maximum(np.minimum(heights, widths), 1)
    median, usual = (float(np.median(values)) if len(values) else 1.0 for values in (area, ratio))
    tiny = _enlarged(heights, widths, pixels) > _TINY
    odd = (ratio > _LONG * usual) | (area > _ODD * median) | (area * _ODD < median)
    blank = thumbs.reshape(len(thumbs), -1).max(axis=1, initial=0) == thumbs.reshape(len(thumbs), -1).min(
        axis=1, initial=255
    )
    totals = images.counted()
    exact = exact_duplicates(images, digests)
    return DataCheck(
        counts=_counts(images),
        unreadable=tuple(unreadable),
        passed_over=images.passed_over,
        exact=exact,
        near=near_duplicates(images, thumbs, digests),
        tiny=_named(images, tiny),
        odd=_named(images, odd & ~tiny),
        blank=_named(images, blank),
        once=tuple(images.classes[c] for c in np.flatnonzero(totals == 1)),
        alike=_alike(images.classes),
        illegible=tuple(name for name in images.names if legible(name) != name),
        things=images.things,
        pictures={split: int((images.splits == split).sum()) for split in SPLITS if (images.splits == split).any()},
        elsewhere=_only(images, "train", inside=False),
        unjudged=_only(images, "val", inside=True),
        notes=tuple(images.notes),
    )


def _enlarged(heights: NDArray[np.float64], widths: NDArray[np.float64], pixels: PixelContract) -> NDArray[np.float64]:
    """How many times each picture is enlarged: by its better side, as a short text is narrow, unless it is cropped."""
    sides = pixels.height / np.maximum(heights, 1), pixels.width / np.maximum(widths, 1)
    return np.maximum(*sides) if pixels.resize == "crop" else np.minimum(*sides)


def _only(images: ImageSet, split: str, *, inside: bool) -> tuple[str, ...]:
    """Classes that a split has none of, and all others (or the training images) have; nothing where it is empty."""
    if not (images.splits == split).any() or _stay_whole(images):
        return ()
    others = images.split("train") if inside else images.select(images.splits != split)
    lacking = (images.split(split).counted() == 0) & (others.counted() > 0)
    return tuple(images.classes[c] for c in np.flatnonzero(lacking))


def _stay_whole(images: ImageSet) -> bool:
    """Whether each class is one group, which is in one split on purpose."""
    classes = [images.classes[label] for label in images.labels.tolist()]
    return images.groups is not None and list(images.groups) == classes


def _counts(images: ImageSet) -> dict[str, dict[str, int]]:
    counts = {}
    for split in SPLITS:
        there = images.split(split).counted()
        if there.any():
            counts[split] = dict(zip(images.classes, there.tolist(), strict=True))
    return counts


def _named(images: ImageSet, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(images.names[i] for i in np.flatnonzero(rows).tolist())


def _alike(classes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    first: dict[str, str] = {}
    pairs = []
    for name in classes:
        plain = "".join(name.casefold().replace("_", " ").replace("-", " ").split())
        if plain in first:
            pairs.append((first[plain], name))
        first.setdefault(plain, name)
    return tuple(pairs)
