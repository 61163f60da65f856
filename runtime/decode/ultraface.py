"""UltraFace: background and face probabilities and normalised corners for every prior box."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .picture import picture_size
from .protocol import Decoder
from .reading import Reading

__all__ = ["read_as_ultraface", "ultraface"]

_PRIORS = {8: 3, 16: 2, 32: 2, 64: 3}  # boxes a cell at each stride


def ultraface(network: Network, options: BoxOptions) -> Decoder:
    """Faces from `scores` (1, N, 2) and `boxes` (1, N, 4), x1, y1, x2, y2 as fractions of the picture."""
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height] * 2, np.float32)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        scores = np.asarray(outputs["scores"][0, :, 1], np.float32)
        boxes = np.asarray(outputs["boxes"][0], np.float32) * size
        return rules.answer(boxes, scores, np.zeros(len(scores), np.int64), placement, threshold)

    return decode


def read_as_ultraface(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with two scores and four corners for each of UltraFace's prior boxes."""
    size = picture_size(file)
    last_axes = [output.shape[-1] if len(output.shape) == 3 else None for output in file.outputs]
    if size is None or sorted(map(str, last_axes)) != ["2", "4"]:
        return None
    rows = {output.shape[1] for output in file.outputs}
    priors = sum(math.ceil(size[0] / s) * math.ceil(size[1] / s) * boxes for s, boxes in _PRIORS.items())
    if len(rows) != 1 or not (asked or rows == {priors}):
        return None
    return Reading(
        Decode("ultraface", threshold=0.7, options={"iou": 0.5}),
        outputs=tuple("scores" if axis == 2 else "boxes" for axis in last_axes),
        classes=1,
        filter="linear",
        mean=(127.0,),
        std=(128.0,),
        labels=labels or ("face",),
        notes=(f"read as UltraFace {'as asked' if asked else 'from its outputs'}",),
    )
