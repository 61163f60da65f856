"""Lines of text from a map that says of every pixel whether one is there: differentiable binarization (DB)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .protocol import Decoder, number, option

__all__ = ["DbOptions", "db"]

_LEAST_SIDE = 3.0  # input pixels of a line's shorter side
_CANDIDATES = 1000


@dataclass(frozen=True)
class DbOptions(BoxOptions):
    """How a map becomes boxes."""

    ink: float = option(0.3, number(0, 1))  # a pixel of text scores more than this
    unclip: float = option(1.6, number(0, 10))  # the map shows lines shrunken: grown again by area / perimeter × this


def db(network: Network, options: DbOptions) -> Decoder:
    """Lines of text from `map` (1, 1, H, W): a box each, and its four corners as keypoints, from the top left around.

    The corners are those of the smallest rectangle around the line, turned as it is: what `--align corners` levels.
    """
    rules = BoxRules.of(network, options)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        scores = np.asarray(outputs["map"], np.float32)
        if scores.ndim != 4 or scores.shape[:2] != (1, 1):
            raise ModelError(f"its map is {scores.shape}, not (1, 1, H, W)")
        corners, sure = _lines(scores[0, 0], options)
        across = network.pixels.width / scores.shape[3]  # a map may be coarser than the picture
        down = network.pixels.height / scores.shape[2]
        corners = corners * np.array([across, down], np.float32)
        points = np.concatenate([corners, np.ones((*corners.shape[:2], 1), np.float32)], axis=2)
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        ids = np.zeros(len(sure), np.int64)
        return rules.answer(boxes, sure, ids, placement, threshold, suppressed=True, points=points)

    return decode


def _lines(scores: NDArray[np.float32], options: DbOptions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The corners (N, 4, 2) of every line in pixels of the map, and how sure it is (N,)."""
    contours, _ = cv2.findContours((scores > options.ink).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    corners, sure = [], []
    for contour in sorted(contours, key=len, reverse=True)[:_CANDIDATES]:
        center, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _LEAST_SIDE:
            continue
        sure.append(_mean_inside(scores, cv2.boxPoints((center, (width, height), angle))))
        grown = 2 * options.unclip * width * height / (2 * (width + height))  # on both sides
        corners.append(_from_top_left(cv2.boxPoints((center, (width + grown, height + grown), angle))))
    if not corners:
        return np.empty((0, 4, 2), np.float32), np.empty(0, np.float32)
    return np.stack(corners), np.array(sure, np.float32)


def _mean_inside(scores: NDArray[np.float32], corners: NDArray[Any]) -> float:
    """The mean of the map within a rectangle."""
    height, width = scores.shape
    low = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 0, (width - 1, height - 1)).astype(int)
    part = scores[low[1] : high[1] + 1, low[0] : high[0] + 1]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(corners - low).astype(np.int32)], 1)
    return float(cv2.mean(part, inside)[0])


def _from_top_left(corners: NDArray[Any]) -> NDArray[np.float32]:
    """The corners clockwise, the top left one first, so that the longer side of a lying line runs to the right."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    top_left, bottom_left = left[np.argsort(left[:, 1])]
    top_right, bottom_right = right[np.argsort(right[:, 1])]
    return np.array([top_left, top_right, bottom_right, bottom_left], np.float32)
