"""A detector's data: pictures with as many boxes as there are things in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.boxset import BoxSet, ImageBoxes
from edgelens.runtime.datasets.catalog import load_boxes
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError, ImageError
from edgelens.runtime.images.read import image_size, read_image_bytes

from ...data.config import DataConfig
from .flaws import mended

__all__ = ["BoxImages", "boxes_of", "open_boxes"]


@dataclass(frozen=True)
class BoxImages(ImageSet):
    """Pictures with boxes. Its labels are each picture's rarest class, by which pictures are shared out evenly."""

    boxes: Sequence[ImageBoxes] = ()  # (N,) in pixels of the picture
    sizes: Sequence[tuple[int, int]] = ()  # (N,) height, width; 0, 0 where the picture cannot be read

    @property
    def things(self) -> str:
        """Boxes are counted."""
        return "boxes"

    def counted(self) -> NDArray[np.int64]:
        """(classes,) boxes of each class, crowds left out."""
        labels = [known.labels[~known.crowd] for known in self.boxes]
        every = np.concatenate(labels) if labels else np.empty(0, np.int64)
        return np.bincount(every, minlength=len(self.classes)).astype(np.int64)

    def told_of(self, i: int) -> bytes:
        """The boxes of a picture and their classes."""
        known = self.boxes[i]
        names = "\0".join(self.classes[label] for label in known.labels)
        return names.encode("utf-8", "surrogateescape") + known.boxes.tobytes() + known.crowd.tobytes()

    def select(self, rows: NDArray[Any]) -> BoxImages:
        """The given rows (indices or a boolean mask) as a set of their own, boxes and all."""
        picked = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)
        some = super().select(picked)
        assert isinstance(some, BoxImages)
        return replace(some, boxes=[self.boxes[i] for i in picked], sizes=[self.sizes[i] for i in picked])


def boxes_of(images: ImageSet) -> BoxImages:
    """The set as the one with boxes that `open_boxes` made."""
    assert isinstance(images, BoxImages)
    return images


def open_boxes(config: DataConfig) -> BoxImages:
    """The data set with sound boxes; what was wrong with others is counted in its notes."""
    found = load_boxes(config.path, format=config.format)
    if not sum(len(known) for known in found.boxes):
        raise DataError(f"{config.path}: none of its {len(found):,} pictures has a box; there is nothing to learn")
    sizes = [_size(found, i) for i in range(len(found))]
    boxes, notes = mended(found, sizes)
    counts = np.bincount(np.concatenate([known.labels for known in boxes]), minlength=len(found.classes))
    if not counts.any():
        raise DataError(f"{config.path}: no box lies inside its picture; see {notes[0] if notes else 'its files'}")
    return BoxImages(
        found.root,
        found.format,
        found.classes,
        np.array([_rarest(known, counts) for known in boxes], np.int32),
        found.splits,
        found.names,
        passed_over=found.passed_over,
        notes=tuple(notes),
        boxes=boxes,
        sizes=sizes,
    )


def _size(found: BoxSet, i: int) -> tuple[int, int]:
    file = Path(found.root) / found.names[i]
    try:
        return image_size(read_image_bytes(file), str(file))
    except ImageError:  # the check of the pictures says so
        return 0, 0


def _rarest(known: ImageBoxes, counts: NDArray[np.int64]) -> int:
    """The class of a picture's boxes that is rarest in the set; the commonest of all where it has none."""
    if not len(known):
        return int(counts.argmax())
    return int(known.labels[counts[known.labels].argmin()])
