"""What YuNet's exports of `loc`, `conf` and `iou` share: prior boxes, several a cell, and how sure each one is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..formats.description import ModelDescription
from ..preprocess import PixelContract
from .picture import picture_size

__all__ = ["SHIFT", "Sure", "size_of_priors", "sure_priors"]

SHIFT = 0.1  # of a prior box's side: what one of an offset is
_PRIORS = {8: (10, 16, 24), 16: (32, 48), 32: (64, 96), 64: (128, 192, 256)}  # sides in pixels at each stride
_WIDE = {"loc": 14, "conf": 2, "iou": 1}


class Sure(NamedTuple):
    """Prior boxes that are sure of something, a row each."""

    scores: NDArray[np.float32]  # (N,)
    places: NDArray[np.float32]  # (N, 14), offsets
    middles: NDArray[np.float32]  # (N, 2) x, y in pixels
    sides: NDArray[np.float32]  # (N, 1) in pixels


@functools.lru_cache(maxsize=8)
def _priors(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Every prior box's middle (N, 2) and side (N, 1) in pixels; a map has half of the one before, rounded down."""
    rows, columns = (height + 1) // 2 // 2, (width + 1) // 2 // 2
    middles, sides = [], []
    for stride, boxes in _PRIORS.items():
        rows, columns = rows // 2, columns // 2
        y, x = np.mgrid[:rows, :columns]
        cells = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        middles.append(np.repeat(cells, len(boxes), axis=0))
        sides.append(np.tile(np.array(boxes), rows * columns)[:, None])
    return np.concatenate(middles).astype(np.float32), np.concatenate(sides).astype(np.float32)


def sure_priors(outputs: Mapping[str, NDArray[Any]], pixels: PixelContract, least: float) -> Sure:
    """The prior boxes that score at least so much."""
    places, sure, overlaps = (np.asarray(outputs[name], np.float32).reshape(-1, wide) for name, wide in _WIDE.items())
    scores = np.sqrt(np.clip(sure[:, 1], 0, 1) * np.clip(overlaps[:, 0], 0, 1))
    middles, sides = _priors(pixels.height, pixels.width)
    rows = np.flatnonzero(scores >= least)
    return Sure(scores[rows], places[rows], middles[rows], sides[rows])


def size_of_priors(file: ModelDescription) -> tuple[int, int] | None:
    """Height and width of a file's picture, where its outputs bear those names and have a row for each prior box."""
    size = picture_size(file)
    wide = {output.name: output.shape[-1] for output in file.outputs if output.shape}
    if size is None or wide != _WIDE:
        return None
    rows = {output.shape[-2] for output in file.outputs if len(output.shape) > 1}
    return None if rows - {len(_priors(*size)[0]), None} else size
