"""Images with boxes: what every reader of a detection format makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images.read import read_image, read_image_bytes
from .splits import SPLITS, split_for_evaluation

__all__ = ["BoxSet", "ImageBoxes", "box_set"]


@dataclass(frozen=True)
class ImageBoxes:
    """The boxes of one image; `relative` ones are in fractions of its sides."""

    boxes: NDArray[np.float64]  # (N, 4) x, y, w, h
    labels: NDArray[np.int64]  # (N,)
    crowd: NDArray[np.bool_]  # (N,) a group, or an object too difficult to ask for: counts neither way
    areas: NDArray[np.float64] | None = None  # (N,) in pixels, where the data knows more than w × h
    relative: bool = False
    size: tuple[int, int] | None = None  # height and width that the data says the image has

    def __len__(self) -> int:
        return len(self.labels)

    def in_pixels(self, height: int, width: int) -> NDArray[np.float64]:
        """The boxes in pixels of the image."""
        return self.boxes * np.array([width, height, width, height]) if self.relative else self.boxes


@dataclass(frozen=True)
class BoxSet:
    """Images, their boxes and their splits."""

    root: str
    format: str  # "yolo", "coco", "voc"
    classes: tuple[str, ...]
    names: Sequence[str]  # (M,) paths relative to root
    boxes: Sequence[ImageBoxes]  # (M,)
    splits: NDArray[np.str_]  # (M,) "train", "val", "test" or ""
    empty: tuple[str, ...] = field(default=())  # boxes without area, which were passed over; one line each
    passed_over: int = 0  # label files without an image, pictures that are listed and not there
    notes: tuple[str, ...] = ()  # what else its reader could not take, or took in a way of its own; a line each

    def __len__(self) -> int:
        return len(self.names)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Picture i as (H, W, 3) uint8 BGR, decoded from the original file."""
        return read_image(Path(self.root) / self.names[i])

    def content(self, i: int) -> bytes:
        """Picture i's file as it is."""
        return read_image_bytes(Path(self.root) / self.names[i])

    def select(self, rows: Sequence[int]) -> BoxSet:
        """The given images as a set of their own."""
        return replace(
            self,
            names=[self.names[i] for i in rows],
            boxes=[self.boxes[i] for i in rows],
            splits=self.splits[list(rows)],
        )

    def for_evaluation(self, split: str | None = None) -> tuple[BoxSet, str]:
        """The split to evaluate on and its name: the asked one, else test, else val, else everything."""
        name = split_for_evaluation(self.splits, split, self.root)
        return (self if name == "all" else self.select(np.flatnonzero(self.splits == name).tolist())), name


def box_set(
    root: Path,
    format_name: str,
    classes: Sequence[str],
    images: Sequence[tuple[str, str, ImageBoxes]],
    *,
    passed_over: int = 0,
    notes: Sequence[str] = (),
) -> BoxSet:
    """A set of (name, split, boxes), each picture once, without the boxes that have no area."""
    names, splits, kept, empty = [], [], [], []
    once = _each_once(images)
    if len(once) < len(images):
        again = len(images) - len(once)
        notes = (*notes, f"{again:,} times a picture is listed that was before: taken once, with the boxes of all")
    for name, split, boxes in once:
        sound = (boxes.boxes[:, 2:] > 0).all(axis=1) & np.isfinite(boxes.boxes).all(axis=1)
        empty += [f"{name}: box {n + 1} ({classes[boxes.labels[n]]}) has no area" for n in np.flatnonzero(~sound)]
        areas = None if boxes.areas is None else boxes.areas[sound]
        kept.append(
            replace(boxes, boxes=boxes.boxes[sound], labels=boxes.labels[sound], crowd=boxes.crowd[sound], areas=areas)
        )
        names.append(name)
        splits.append(split)
    if not names:
        raise DataError(f"{root}: has no images with boxes; {passed_over} that its labels tell of are not there")
    return BoxSet(
        str(root),
        format_name,
        tuple(classes),
        names,
        kept,
        np.array(splits, "<U5"),
        tuple(empty),
        passed_over,
        tuple(notes),
    )


def _each_once(images: Sequence[tuple[str, str, ImageBoxes]]) -> list[tuple[str, str, ImageBoxes]]:
    """Listings of one picture as one: what one of them draws would be nothing to find in another's eyes."""
    listed: dict[str, list[tuple[str, ImageBoxes]]] = {}
    for name, split, boxes in images:
        listed.setdefault(name, []).append((split, boxes))
    return [
        (name, *found[0])
        if len(found) == 1
        else (name, min((split for split, _ in found), key=_rank), _joined([boxes for _, boxes in found]))
        for name, found in listed.items()
    ]


def _rank(split: str) -> int:
    """A listing of all pictures (no split) yields to one of a split, and what was learned is not asked."""
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)


def _joined(parts: Sequence[ImageBoxes]) -> ImageBoxes:
    """The boxes of several listings of one picture; those that are the same in all but a trace, once."""
    boxes = np.concatenate([part.boxes for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    rows = np.column_stack([labels, boxes.round(6)])
    own = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    areas = [part.areas for part in parts if part.areas is not None]
    return replace(
        parts[0],
        boxes=boxes[own],
        labels=labels[own],
        crowd=np.concatenate([part.crowd for part in parts])[own],
        areas=np.concatenate(areas)[own] if len(areas) == len(parts) else None,
    )
