"""FastestDet: one grid at stride 16; each cell's objectness, box and class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners
from .coco_names import names_by_count
from .picture import picture_size
from .protocol import Decoder, one_of, option
from .reading import Reading

__all__ = ["FastestdetOptions", "fastestdet", "read_as_fastestdet"]

_STRIDE = 16
_THERE, _KIND = 0.6, 0.4  # what objectness and class count for in a score, to which the usual threshold belongs
_JOINED = ("Concat", "CONCATENATION")
_PASSING = ("QuantizeLinear", "DequantizeLinear", "QUANTIZE", "DEQUANTIZE", "Transpose", "TRANSPOSE")
_SIGMOID, _SOFTMAX = ("Sigmoid", "LOGISTIC"), ("Softmax", "SOFTMAX")


@dataclass(frozen=True)
class FastestdetOptions(BoxOptions):
    """How a FastestDet's output is read."""

    axis: str = option("first", one_of("first", "last"))  # where a cell's numbers lie


def fastestdet(network: Network, options: FastestdetOptions) -> Decoder:
    """Boxes from `grid` (1, 5 + C, H, W): objectness, center by tanh in cells, size by sigmoid in pictures, classes."""
    rules = BoxRules.of(network, options)
    size = np.array([network.pixels.width, network.pixels.height], np.float32)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        grid = np.asarray(outputs["grid"][0], np.float32)
        if options.axis == "first":
            grid = grid.transpose(1, 2, 0)
        height, width = grid.shape[:2]
        cells = grid.reshape(height * width, -1)
        best = np.maximum(cells[:, 0], 0) ** _THERE * cells[:, 5:].max(axis=1, initial=0) ** _KIND
        rows = np.flatnonzero(best >= rules.least(threshold))
        picked = cells[rows]
        ids = picked[:, 5:].argmax(axis=1) if len(picked) else np.empty(0, np.int64)
        places = np.stack([rows % width, rows // width], axis=1)
        centers = (np.tanh(picked[:, 1:3]) + places) / np.array([width, height], np.float32)
        extents = 1 / (1 + np.exp(-np.clip(picked[:, 3:5], -50, 50)))
        boxes = corners(np.concatenate([centers * size, extents * size], axis=1))
        return rules.answer(boxes, best[rows], ids, placement, threshold)

    return decode


def read_as_fastestdet(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file that ends in one grid put together of a sigmoid's one number, four others, and a softmax's."""
    size = picture_size(file)
    if size is None or len(file.outputs) != 1 or len(file.outputs[0].shape) != 4:
        return None
    shape = file.outputs[0].shape
    grid = size[0] // _STRIDE, size[1] // _STRIDE
    axis = "first" if shape[2:] == grid else "last" if shape[1:3] == grid else None
    columns = shape[1] if axis == "first" else shape[3]
    if axis is None or columns is None or columns < 6 or not (asked or _is_joined(file)):
        return None
    if labels and not asked and len(labels) != columns - 5:
        return None
    return Reading(
        Decode("fastestdet", threshold=0.65, options={"axis": axis}),
        outputs=("grid",),
        classes=columns - 5,
        unnamed=names_by_count(columns - 5),
        color="bgr",
        filter="linear",
        mean=(0.0,),
        std=(255.0,),
        notes=(f"read as FastestDet {'as asked' if asked else 'from its last operators'}",),
    )


def _is_joined(file: ModelDescription) -> bool:
    """Whether the output is three parts side by side: through a sigmoid, as they are, through a softmax."""
    last = file.origin_of(file.outputs[0].name, _PASSING)
    if last is None or last.kind not in _JOINED or len(last.inputs) != 3:
        return False
    first, _, third = (file.origin_of(name, _PASSING) for name in last.inputs)
    return first is not None and third is not None and first.kind in _SIGMOID and third.kind in _SOFTMAX
