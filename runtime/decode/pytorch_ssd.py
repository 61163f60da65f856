"""SSDs that PyTorch exported, as jetson-inference's and UltraFace are: probabilities and corners of every prior box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .coco_names import names_by_count
from .protocol import Decoder
from .reading import Reading

__all__ = ["pytorch_ssd", "read_as_pytorch_ssd"]

_PASSING = ("Reshape", "Transpose", "Identity", "QuantizeLinear", "DequantizeLinear")


def pytorch_ssd(network: Network, options: BoxOptions) -> Decoder:
    """Things from `scores` (1, N, 1 + C), the background's first, and `boxes` (1, N, 4), corners as fractions."""
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height] * 2, np.float32)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        scores = np.asarray(outputs["scores"][0, :, 1:], np.float32)
        boxes = np.asarray(outputs["boxes"][0], np.float32) * size
        ids = scores.argmax(axis=1)
        return rules.answer(boxes, scores[np.arange(len(scores)), ids], ids, placement, threshold)

    return decode


def read_as_pytorch_ssd(
    file: ModelDescription,
    labels: tuple[str, ...],  # noqa: ARG001
    *,
    asked: bool = False,
) -> Reading | None:
    """A file with two outputs, `boxes` and the `scores` that a softmax makes; asked for, whatever they are called."""
    pair = _pair(file)
    if pair is None or not (asked or {pair[0].name, pair[1].name} == {"scores", "boxes"}):
        return None
    scores, columns = pair[0], pair[0].shape[2]
    last = file.origin_of(scores.name, _PASSING)
    kind = "" if last is None else last.kind
    if columns is None or kind == "Sigmoid" or not (asked or kind == "Softmax"):
        return None
    return Reading(
        Decode("pytorch-ssd", threshold=0.5, options={"iou": 0.45}),
        outputs=tuple("scores" if output is scores else "boxes" for output in file.outputs),
        classes=columns - 1,
        unnamed=names_by_count(columns - 1),
        filter="linear",
        mean=(127.0,),
        std=(128.0,),
        notes=(f"read as PyTorch's SSD {'as asked' if asked else 'from its outputs'}: class 0 is the background",),
    )


def _pair(file: ModelDescription) -> tuple[TensorInfo, TensorInfo] | None:
    """The outputs that are scores (1, N, 2 or more) and boxes (1, N, 4); called so where both have four numbers."""
    if len(file.outputs) != 2 or any(len(output.shape) != 3 for output in file.outputs):
        return None
    scores, boxes = sorted(file.outputs, key=lambda output: (output.shape[2] == 4, output.name == "boxes"))
    fits = boxes.shape[2] == 4 and boxes.shape[1] == scores.shape[1] and (scores.shape[2] or 0) > 1
    return (scores, boxes) if fits else None
