"""YuNet as exported until 2022: faces with five keypoints as offsets from prior boxes of several sizes a cell."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .picture import picture_size
from .protocol import Decoder
from .reading import Reading
from .yunet_faces import faces_at, yunet_reading

__all__ = ["read_as_yunet_2022", "yunet_2022"]

_PRIORS = {8: (10, 16, 24), 16: (32, 48), 32: (64, 96), 64: (128, 192, 256)}  # sides in pixels at each stride
_SHIFT, _GROWTH = 0.1, np.array([0.1, 0.2], np.float32)  # what one of an offset is: the family's own asymmetry
_WIDE = {"loc": 14, "conf": 2, "iou": 1}


def yunet_2022(network: Network, options: BoxOptions) -> Decoder:
    """Faces from `loc` (N, 14), `conf` (N, 2) and `iou` (N, 1) of the N prior boxes."""
    rules = BoxRules.of(network, options)
    middles, sides = _priors(network.pixels.height, network.pixels.width)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        places, faces, overlaps = (
            np.asarray(outputs[name], np.float32).reshape(-1, wide) for name, wide in _WIDE.items()
        )
        scores = np.sqrt(np.clip(faces[:, 1], 0, 1) * np.clip(overlaps[:, 0], 0, 1))
        rows = np.flatnonzero(scores >= rules.least(threshold))
        place, middle, side = places[rows], middles[rows], sides[rows]
        centers = middle + place[:, :2] * _SHIFT * side
        extents = side * np.exp(np.minimum(place[:, 2:4] * _GROWTH, 20))
        spots = middle[:, None] + place[:, 4:].reshape(-1, 5, 2) * _SHIFT * side[:, None]
        return faces_at(rules, scores[rows], centers, extents, spots, placement=placement, threshold=threshold)

    return decode


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


def read_as_yunet_2022(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file whose outputs are called `loc`, `conf` and `iou` and have as many rows as there are prior boxes."""
    size = picture_size(file)
    wide = {output.name: output.shape[-1] for output in file.outputs if output.shape}
    if size is None or wide != _WIDE:
        return None
    count = len(_priors(*size)[0])
    rows = {output.shape[-2] for output in file.outputs if len(output.shape) > 1}
    if rows - {count, None}:
        return None
    names = [output.name for output in file.outputs]
    return yunet_reading("yunet-2022", "YuNet of 2022", names, labels, asked=asked)
