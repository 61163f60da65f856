"""MoveNet: one person's 17 keypoints, or those of six people with their boxes, as fractions of the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .protocol import Decoder
from .reading import Reading

__all__ = ["movenet", "read_as_movenet"]

_POINTS, _NUMBERS = 17, 3  # y, x and score of each
_PEOPLE = (6, _POINTS * _NUMBERS + 5)  # then a person's top, left, bottom, right and score
_SEEN = 0.1  # keypoints below do not count for whoever has them
_FREE = (256, 256)  # of the network of six people, which takes multiples of 32


def movenet(network: Network, options: BoxOptions) -> Decoder:
    """People from `people`, (1, 1, 17, 3) or (1, 6, 56).

    Of one person the score is the mean of the keypoints that are seen, and the box goes around those.
    """
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height], np.float32)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        numbers = np.asarray(outputs["people"][0], np.float32).reshape(-1, outputs["people"][0][0].size)
        points = numbers[:, : _POINTS * _NUMBERS].reshape(-1, _POINTS, _NUMBERS)[..., [1, 0, 2]]
        if numbers.shape[1] == _PEOPLE[1]:
            boxes, scores = numbers[:, [-4, -5, -2, -3]], numbers[:, -1]
        else:
            boxes, scores = _around(points)
        points = points * np.append(size, np.float32(1))
        ids = np.zeros(len(boxes), np.int64)
        return rules.answer(boxes * np.tile(size, 2), scores, ids, placement, threshold, suppressed=True, points=points)

    return decode


def _around(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (N, 4) around the seen ones of points (N, K, 3), and the mean of their scores; 0 where none is."""
    seen = points[..., 2:] >= _SEEN
    low = np.where(seen, points[..., :2], np.inf).min(axis=1)
    high = np.where(seen, points[..., :2], -np.inf).max(axis=1)
    scores = np.where(seen, points[..., 2:], 0).sum(axis=(1, 2)) / np.maximum(seen.sum(axis=(1, 2)), 1)
    return np.concatenate([low, high], axis=1), scores.astype(np.float32)


def read_as_movenet(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file whose one output has three numbers for each of 17 keypoints, or 56 for each of six people."""
    shape = file.outputs[0].shape if len(file.outputs) == 1 else ()
    if shape not in ((1, 1, _POINTS, _NUMBERS), (1, *_PEOPLE)):
        return None
    return Reading(
        Decode("movenet", threshold=0.3),
        outputs=("people",),
        classes=1,
        resize="letterbox",
        filter="linear",
        pad=0,
        mean=(0.0,),
        std=(1.0,),
        labels=labels or ("person",),
        size=_FREE if shape == (1, *_PEOPLE) else None,
        notes=(f"read as MoveNet {'as asked' if asked else 'from its keypoints'}",),
    )
