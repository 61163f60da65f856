"""YOLOX: one row a cell of center, size, objectness and classes, in units of the cell's stride."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..errors import ModelError
from ..formats.description import ModelDescription
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners
from .coco_names import names_by_count
from .grids import cells, strides_for
from .picture import picture_size
from .protocol import Decoder, flag, option
from .reading import Reading

__all__ = ["YoloxOptions", "read_as_yolox", "yolox"]


@dataclass(frozen=True)
class YoloxOptions(BoxOptions):
    """How a YOLOX's output is read."""

    decoded: bool = option(False, flag)


def yolox(network: Network, options: YoloxOptions) -> Decoder:
    """Boxes from the raw grid (1, N, 5 + C): x, y offsets and log sizes a cell, objectness and class probabilities."""
    rules = BoxRules.of(network, options)
    size = network.pixels.height, network.pixels.width

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        raw = np.asarray(outputs["grid"][0], np.float32)
        rows = np.flatnonzero(raw[:, 4] >= rules.least(threshold))
        picked = raw[rows] if options.decoded else _in_pixels(raw, rows, *size)
        ids = picked[:, 5:].argmax(axis=1) if len(picked) else np.empty(0, np.int64)
        scores = picked[:, 4] * picked[np.arange(len(picked)), 5 + ids]
        return rules.answer(corners(picked), scores, ids, placement, threshold)

    return decode


def _in_pixels(raw: NDArray[np.float32], rows: NDArray[np.intp], height: int, width: int) -> NDArray[np.float32]:
    """The given rows of a raw grid, their centers and sizes in input pixels."""
    strides = strides_for(height, width, len(raw))
    if strides is None:
        raise ModelError(f"yolox: {len(raw)} rows are no grid of a {width}x{height} picture")
    places, sizes = cells(height, width, strides)
    picked = raw[rows]
    centers = (picked[:, :2] + places[rows]) * sizes[rows]
    extents = np.exp(np.minimum(picked[:, 2:4], 20)) * sizes[rows]
    return np.concatenate([centers, extents, picked[:, 4:]], axis=1)


def read_as_yolox(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with one output of a row a cell; without being asked only where the graph ends in the undecoded grid."""
    size = picture_size(file)
    if len(file.outputs) != 1 or len(file.outputs[0].shape) != 3 or size is None:
        return None
    rows, columns = file.outputs[0].shape[1:]
    if rows is None or columns is None or columns < 6 or strides_for(*size, rows) is None:
        return None
    last = file.origin_of(file.outputs[0].name, ("QuantizeLinear", "DequantizeLinear", "QUANTIZE", "DEQUANTIZE"))
    raw = last is not None and last.kind in ("Transpose", "TRANSPOSE")
    if not (asked or (raw and file.format == "onnx" and labels_fit(labels, columns - 5))):
        return None
    said = "read as YOLOX from its shape and last operator" if not asked else "read as YOLOX, as asked"
    state = "its grid is decoded here" if raw else "its grid is already decoded"
    return Reading(
        Decode("yolox", threshold=0.3, options={} if raw else {"decoded": True}),
        outputs=("grid",),
        classes=columns - 5,
        unnamed=names_by_count(columns - 5),
        color="bgr",
        resize="letterbox",
        filter="linear",
        pad=114,
        anchor="topleft",
        mean=(0.0,),
        std=(1.0,),
        notes=(f"{said}; {state}",),
    )


def labels_fit(labels: tuple[str, ...], classes: int) -> bool:
    """Whether labels do not speak against a number of classes."""
    return not labels or len(labels) == classes
