"""YuNet as exported until 2022: faces with five keypoints as offsets from prior boxes of several sizes a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners
from .faces import faces_at
from .protocol import Decoder
from .reading import Reading
from .yunet_priors import SHIFT, size_of_priors, sure_priors
from .yunet_reading import yunet_reading

__all__ = ["read_as_yunet_2022", "yunet_2022"]

_GROWTH = np.array([0.1, 0.2], np.float32)  # the family's own asymmetry


def yunet_2022(network: Network, options: BoxOptions) -> Decoder:
    """Faces from `loc` (N, 14), `conf` (N, 2) and `iou` (N, 1) of the N prior boxes."""
    rules = BoxRules.of(network, options)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        scores, places, middles, sides = sure_priors(outputs, network.pixels, rules.least(threshold))
        centers = middles + places[:, :2] * SHIFT * sides
        extents = sides * np.exp(np.minimum(places[:, 2:4] * _GROWTH, 20))
        spots = middles[:, None] + places[:, 4:].reshape(-1, 5, 2) * SHIFT * sides[:, None]
        boxes = corners(np.concatenate([centers, extents], axis=1))
        return faces_at(rules, scores, boxes, spots, placement=placement, threshold=threshold)

    return decode


def read_as_yunet_2022(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file whose outputs are called `loc`, `conf` and `iou` and have as many rows as there are prior boxes."""
    if size_of_priors(file) is None:
        return None
    names = [output.name for output in file.outputs]
    return yunet_reading("yunet-2022", "YuNet of 2022", names, labels, asked=asked)
