"""Boxes from the kit's own detectors: a map of scores and one of distances a stride, as `train` makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .protocol import Decoder, number, option, whole
from .voting import voted

__all__ = ["Candidates", "LensDetOptions", "Level", "candidates", "levels_of", "lens_det"]

_STRIDES = (4, 8, 16, 32)


@dataclass(frozen=True)
class LensDetOptions(BoxOptions):
    """How a kit's detector is read."""

    iou: float = option(0.6, number(0, 1))
    finest: int = option(8, whole(1, 32))  # the finest stride that it answers at
    candidates: int = option(1000, whole(1, 100_000))  # the best so many go into suppression
    vote: float = option(0.0, number(0, 1))  # how far around a box others have a say in where it lies (`voted`)


@dataclass(frozen=True)
class Level:
    """What one stride answers to one picture."""

    stride: int
    scores: NDArray[np.float32]  # (C, h, w), 0 to 1
    sides: NDArray[np.float32]  # (4, h, w) left, top, right, bottom of a cell's middle, in strides


@dataclass(frozen=True)
class Candidates:
    """What passes a threshold, before boxes of the same thing are suppressed."""

    boxes: NDArray[np.float32]  # (K, 4) x1, y1, x2, y2 in input pixels
    scores: NDArray[np.float32]  # (K,)
    ids: NDArray[np.int64]  # (K,)


def lens_det(network: Network, options: LensDetOptions) -> Decoder:
    """A decoder of the maps that the network gives at each stride."""
    rules = BoxRules.of(network, options)
    strides = tuple(stride for stride in _STRIDES if stride >= options.finest)
    there = {output.name for output in network.outputs}
    for name in (f"{kind}{stride}" for stride in strides for kind in ("scores", "sides")):
        if name not in there:
            raise ModelError(f"the decoder lens-det needs an output called {name!r}, which the network does not have")

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        first = {name: np.asarray(values[0], np.float32) for name, values in outputs.items() if name in there}
        found = candidates(levels_of(first, strides), rules.least(threshold), options.candidates)
        kept = rules.kept(found.boxes, found.scores, found.ids, threshold)
        boxes = voted(found.boxes, found.scores, found.ids, kept, options.vote)
        return rules.seen(placement.to_frame(boxes), found.scores[kept], found.ids[kept])

    return decode


def levels_of(outputs: Mapping[str, NDArray[np.float32]], strides: Sequence[int]) -> list[Level]:
    """One picture's outputs by stride."""
    return [Level(stride, outputs[f"scores{stride}"], outputs[f"sides{stride}"]) for stride in strides]


def candidates(levels: Sequence[Level], least: float, most: int) -> Candidates:
    """The best class of each cell where it scores at least so much; of too many the best."""
    found = [_of_level(level, least) for level in levels]
    boxes, scores, ids = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if len(scores) > most:
        best = np.argpartition(-scores, most)[:most]
        boxes, scores, ids = boxes[best], scores[best], ids[best]
    return Candidates(boxes, scores, ids)


def _of_level(level: Level, least: float) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    classes, height, width = level.scores.shape
    flat = level.scores.reshape(classes, height * width)
    best = flat.max(axis=0)
    cells = np.flatnonzero(best >= least)
    sides = level.sides.reshape(4, -1)[:, cells] * np.float32(level.stride)
    x, y = ((place + np.float32(0.5)) * np.float32(level.stride) for place in (cells % width, cells // width))
    boxes = np.stack([x - sides[0], y - sides[1], x + sides[2], y + sides[3]], axis=1).astype(np.float32, copy=False)
    return boxes, best[cells], flat[:, cells].argmax(axis=0)
