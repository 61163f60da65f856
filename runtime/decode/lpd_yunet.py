"""LPD-YuNet: license plates as four corners, from the outputs of YuNet's exports of 2022."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import CORNERS, Recognitions
from .boxes import BoxOptions, BoxRules
from .protocol import Decoder
from .reading import Reading
from .yunet_priors import SHIFT, size_of_priors, sure_priors
from .yunet_reading import yunet_reading

__all__ = ["lpd_yunet", "read_as_lpd_yunet"]

_PUBLISHED = (240, 320)  # height, width: its only picture; YuNet's faces are published at 120 by 160
_SPOTS = (0, 1, 3, 4)  # the corners among its five points; the one between them is no corner


def lpd_yunet(network: Network, options: BoxOptions) -> Decoder:
    """Plates from `loc` (N, 14), `conf` (N, 2) and `iou` (N, 1) of the N prior boxes: a box is its corners' span."""
    rules = BoxRules.of(network, options)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        scores, places, middles, sides = sure_priors(outputs, network.pixels, rules.least(threshold))
        spots = places[:, 4:].reshape(-1, 5, 2)[:, _SPOTS]
        quads = _clockwise(middles[:, None] + spots * SHIFT * sides[:, None])
        around = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
        ids = np.zeros(len(scores), np.int64)
        kept = rules.kept(around, scores, ids, threshold)
        extra = {CORNERS: placement.points_to_frame(quads[kept])}
        return rules.seen(placement.to_frame(around[kept]), scores[kept], ids[kept], extra=extra)

    return decode


def _clockwise(quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """Four corners (N, 4, 2) in the order in which a picture's own are counted, whichever way round they came."""
    x, y = quads[..., 0], quads[..., 1]
    area = (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)
    return np.where(area[:, None, None] < 0, quads[:, ::-1], quads)


def read_as_lpd_yunet(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with the outputs of YuNet's exports of 2022 and a picture of 320 by 240; asked for, of any size."""
    size = size_of_priors(file)
    if size is None or (size != _PUBLISHED and not asked):
        return None
    names = [output.name for output in file.outputs]
    reading = yunet_reading("lpd-yunet", "LPD-YuNet", names, labels or ("plate",), asked=asked)
    if asked:
        return reading
    return dataclasses.replace(
        reading, notes=(f"{reading.notes[0]} and its picture of 320x240; if it finds faces: --decode yunet-2022",)
    )
