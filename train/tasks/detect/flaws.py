"""What is wrong with boxes: mended or left out, and counted in one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.boxset import BoxSet, ImageBoxes
from edgelens.runtime.decode.boxes import corners_of_xywh
from edgelens.runtime.tasks.drawn_twice import drawn_twice

__all__ = ["MOST_BOXES", "mended"]

MOST_BOXES = 500  # of one picture that are learnt at a time
_OUT = 1.0  # pixels beyond the edge that rounding explains
_TINY = 0.01  # of the picture's longer side


class _Findings:
    """How often something was found, and where first."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.first: dict[str, str] = {}

    def add(self, what: str, count: int, where: str) -> None:
        if count:
            self.counts[what] = self.counts.get(what, 0) + count
            self.first.setdefault(what, where)

    def lines(self) -> list[str]:
        return [f"boxes: {count:,} {what}; first {self.first[what]}" for what, count in self.counts.items()]


def mended(found: BoxSet, sizes: Sequence[tuple[int, int]]) -> tuple[list[ImageBoxes], list[str]]:
    """The boxes in pixels of their pictures, inside them and each once; and a line for every kind of flaw."""
    said = _Findings()
    for line in found.empty:
        said.add("without an area or with a number that is none, left out", 1, line)
    boxes = [_sound(known, size, name, said) for known, size, name in zip(found.boxes, sizes, found.names, strict=True)]
    negatives = sum(not len(known) for known in boxes)
    lines = [f"boxes: {line}" for line in found.notes] + said.lines()
    if negatives:
        lines.append(f"boxes: {negatives:,} of {len(boxes):,} pictures have none: they teach where nothing is")
    unseen = np.bincount(np.concatenate([b.labels for b in boxes]), minlength=len(found.classes)) == 0
    if unseen.any():
        names = ", ".join(found.classes[c] for c in np.flatnonzero(unseen)[:5])
        lines.append(f"boxes: {int(unseen.sum())} of {len(found.classes)} classes have none: {names}")
    return boxes, lines


def _sound(known: ImageBoxes, size: tuple[int, int], name: str, said: _Findings) -> ImageBoxes:
    """One picture's boxes inside it, each once."""
    height, width = size
    if not height:  # the picture cannot be read and takes no part
        return _picked(replace(known, relative=False), np.zeros(len(known), bool))
    if known.size is not None and known.size != size:
        where = f"{name} ({known.size[1]}×{known.size[0]} said, {width}×{height} are)"
        said.add("pictures whose size is not what the data says", 1, where)
    pixels = replace(known, boxes=known.in_pixels(height, width), relative=False)
    corners = corners_of_xywh(pixels.boxes)
    inside = np.clip(corners, 0, [width, height, width, height])
    there = (inside[:, 2:] > inside[:, :2]).all(axis=1)
    said.add("outside their picture, left out", int((~there).sum()), name)
    beyond = there & (np.abs(inside - corners).max(axis=1, initial=0) > _OUT)
    said.add("reach beyond their picture and are cut at its edge", int(beyond.sum()), name)
    kept = np.concatenate([inside[:, :2], inside[:, 2:] - inside[:, :2]], axis=1)
    pixels = _picked(replace(pixels, boxes=kept), there)
    twice = drawn_twice(pixels)
    said.add("drawn twice, taken once", int(twice.sum()), name)
    pixels = _picked(pixels, ~twice)
    tiny = pixels.boxes[:, 2:].min(axis=1, initial=np.inf) < _TINY * max(size) if len(pixels) else np.zeros(0, bool)
    said.add("are less than 1 % of the picture wide or high: a larger --size may find them", int(tiny.sum()), name)
    if len(pixels) > MOST_BOXES:
        said.add(f"in pictures with more than {MOST_BOXES}, of which so many are learnt at a time", len(pixels), name)
    return pixels


def _picked(known: ImageBoxes, rows: NDArray[np.bool_]) -> ImageBoxes:
    areas = None if known.areas is None else known.areas[rows]
    return replace(known, boxes=known.boxes[rows], labels=known.labels[rows], crowd=known.crowd[rows], areas=areas)
