"""RetinaFace as PyTorch exports it: faces with five keypoints as offsets from prior boxes, several a cell."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..errors import ModelError
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners
from .classify import sigmoid
from .faces import faces_at, rows_of
from .grids import cell_corners, cells_at
from .picture import ANY_SIZE, USUAL_SIZE, picture_size
from .protocol import Decoder, flag, option
from .reading import Reading

__all__ = ["RetinafaceOptions", "read_as_retinaface", "retinaface"]

_PRIORS = (  # sides in pixels at each stride: RetinaFace's own, and those of its kin that is as small as UltraFace
    {8: (16, 32), 16: (64, 128), 32: (256, 512)},
    {8: (10, 16, 24), 16: (32, 48), 32: (64, 96), 64: (128, 192, 256)},
)
_SHIFT, _GROWTH = 0.1, 0.2  # of a prior box's side: what one of an offset is, and of its logarithm
_WIDE = {"boxes": 4, "scores": 2, "points": 10}  # numbers a prior box, in the order of the family's own exporter
_CALLED = {"boxes": ("loc", "box"), "scores": ("conf", "score", "cls", "class"), "points": ("landm", "kps", "points")}
_EXPORTER = ("output", "outputt", "outputtt")  # what that calls its outputs
_HEADS = ("Concat", "CONCATENATION", "Reshape", "RESHAPE", "Transpose", "TRANSPOSE", "Identity", "QuantizeLinear",
          "DequantizeLinear", "QUANTIZE", "DEQUANTIZE")  # fmt: skip
_CONVOLUTIONS = ("Conv", "CONV_2D", "QLinearConv")
_POWERS = ("Exp", "EXP")


@dataclass(frozen=True)
class RetinafaceOptions(BoxOptions):
    """How a RetinaFace's outputs are read."""

    logits: bool = option(False, flag)  # scores are before their softmax


def retinaface(network: Network, options: RetinafaceOptions) -> Decoder:
    """Faces from `boxes` (1, N, 4), `scores` (1, N, 2), the background's first, and `points` (1, N, 10)."""
    rules = BoxRules.of(network, options)
    size = network.pixels.height, network.pixels.width

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        boxes, sure, points = (rows_of(outputs, part, wide) for part, wide in _WIDE.items())
        if not len(boxes) == len(sure) == len(points):
            raise ModelError(f"retinaface: {len(boxes)} boxes have {len(sure)} scores and {len(points)} keypoints")
        scores = sigmoid(sure[:, 1] - sure[:, 0]) if options.logits else sure[:, 1]
        rows = np.flatnonzero(scores >= rules.least(threshold))
        middles, sides = (numbers[rows] for numbers in _priors(*size, len(scores)))
        centers = middles + boxes[rows, :2] * _SHIFT * sides
        extents = sides * np.exp(np.minimum(boxes[rows, 2:] * _GROWTH, 20))
        spots = middles[:, None] + points[rows].reshape(-1, 5, 2) * _SHIFT * sides[:, None]
        found = corners(np.concatenate([centers, extents], axis=1))
        return faces_at(rules, scores[rows], found, spots, placement=placement, threshold=threshold)

    return decode


@functools.lru_cache(maxsize=8)
def _priors(height: int, width: int, rows: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Every prior box's middle (N, 2) and side (N, 1) in pixels."""
    kind = next((kind for kind in _PRIORS if _count(kind, height, width) == rows), None)
    if kind is None:
        raise ModelError(f"retinaface: {rows} rows are no prior boxes of a {width}x{height} picture")
    middles, sides = [], []
    for stride, boxes in kind.items():
        cells = cell_corners(height, width, stride) + stride / 2
        middles.append(np.repeat(cells, len(boxes), axis=0))
        sides.append(np.tile(np.array(boxes), len(cells))[:, None])
    return np.concatenate(middles).astype(np.float32), np.concatenate(sides).astype(np.float32)


def _count(kind: Mapping[int, tuple[int, ...]], height: int, width: int) -> int:
    return sum(cells_at(height, width, stride) * len(boxes) for stride, boxes in kind.items())


def read_as_retinaface(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with four, two and ten numbers for each of the prior boxes that a picture of its size has.

    Where a file leaves its shapes open, the outputs' names tell which is which.
    """
    if len(file.outputs) != 3 or any(len(output.shape) != 3 for output in file.outputs):
        return None
    roles = _by_shape(file.outputs) or _by_name(file.outputs)
    if roles is None and asked and all(output.shape[2] is None for output in file.outputs):
        roles = tuple(_WIDE)
    if roles is None or not (asked or (_fits(file) and not _decodes(file))):
        return None
    scores = file.outputs[roles.index("scores")]
    last = file.origin_of(scores.name, _HEADS)
    raw = last is not None and last.kind in _CONVOLUTIONS
    said = f"read as RetinaFace {'as asked' if asked else 'from its outputs'}"
    open_size = () if picture_size(file) else (ANY_SIZE,)
    return Reading(
        Decode("retinaface", threshold=0.6, options={"iou": 0.4, **({"logits": True} if raw else {})}),
        outputs=roles,
        classes=1,
        color="bgr",
        resize="letterbox",
        filter="linear",
        pad=0,
        anchor="topleft",
        mean=(104.0, 117.0, 123.0),
        std=(1.0,),
        labels=labels or ("face",),
        size=USUAL_SIZE,
        notes=(f"{said}; its scores are before their softmax" if raw else said, *open_size),
    )


def _by_shape(outputs: tuple[TensorInfo, ...]) -> tuple[str, ...] | None:
    """What each output is, by the numbers that a prior box has in it."""
    parts = {wide: part for part, wide in _WIDE.items()}
    roles = tuple(parts.get(output.shape[2] or 0, "") for output in outputs)
    return roles if set(roles) == set(_WIDE) else None


def _by_name(outputs: tuple[TensorInfo, ...]) -> tuple[str, ...] | None:
    """The same of outputs whose shapes are open, by what the family's exporters call them."""
    if any(output.shape[2] is not None for output in outputs):
        return None
    names = tuple(output.name.lower() for output in outputs)
    if names == _EXPORTER:
        return tuple(_WIDE)
    roles = tuple(
        next((part for part, words in _CALLED.items() if any(word in name for word in words)), "") for name in names
    )
    return roles if set(roles) == set(_WIDE) else None


def _fits(file: ModelDescription) -> bool:
    """Whether rows are as many as prior boxes, of the file's picture or of that which its exporter had."""
    rows = {output.shape[1] for output in file.outputs}
    sizes = {picture_size(file) or USUAL_SIZE, USUAL_SIZE}
    return len(rows) == 1 and rows <= {None, *(_count(kind, *size) for kind in _PRIORS for size in sizes)}


def _decodes(file: ModelDescription) -> bool:
    """Whether the graph itself makes boxes of offsets: nothing else in these networks takes a power."""
    return any(operator.kind in _POWERS for operator in file.operators)
