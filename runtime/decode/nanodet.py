"""NanoDet, NanoDet-Plus and PicoDet: class scores and, for each side of a box, a distribution over its distance."""

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
from ..preprocess import Color, Placement, Resize
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .coco_names import names_by_count
from .grids import cell_corners, cells_at
from .picture import IMAGENET_MEAN, IMAGENET_STD, picture_size
from .protocol import Decoder, flag, option, whole
from .reading import Reading
from .yolox import labels_fit

__all__ = ["NanodetOptions", "nanodet", "read_as_nanodet"]

_BINS = 8  # distances 0 to 7 in strides, a number each
_STRIDES = ((8, 16, 32, 64), (8, 16, 32))  # Plus and PicoDet, and what was before them
_PASSING = ("QuantizeLinear", "DequantizeLinear", "Transpose", "Reshape", "Flatten", "Concat", "Split", "Identity")


@dataclass(frozen=True)
class _Kind:
    """A member of the family, and the picture that it wants."""

    name: str
    resize: Resize = "stretch"
    color: Color = "bgr"
    centred: bool = False


_BEFORE, _PLUS, _PICO = (
    _Kind("NanoDet", "letterbox"),
    _Kind("NanoDet-Plus"),
    _Kind("PicoDet", color="rgb", centred=True),
)


@dataclass(frozen=True)
class NanodetOptions(BoxOptions):
    """How a NanoDet's output is read."""

    bins: int = option(_BINS, whole(2, 64))
    centred: bool = option(False, flag)  # of four strides, too, distances are counted from the middles of cells


def nanodet(network: Network, options: NanodetOptions) -> Decoder:
    """Boxes from `predictions` (1, N, C + 4 × bins), or `scores_S` (1, N, C) and `distances_S` of every stride S."""
    rules = BoxRules.of(network, options)
    size = network.pixels.height, network.pixels.width
    sides = 4 * options.bins

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        scores, distances = _parts(outputs, sides)
        centers, strides = _centers(*size, len(scores), centred=options.centred)
        best = scores.max(axis=1, initial=0)
        rows = np.flatnonzero(best >= rules.least(threshold))
        ids = scores[rows].argmax(axis=1) if len(rows) else np.empty(0, np.int64)
        reach = _means(distances[rows].reshape(-1, 4, options.bins)) * strides[rows]
        boxes = np.concatenate([centers[rows] - reach[:, :2], centers[rows] + reach[:, 2:]], axis=1)
        limit = np.array([size[1], size[0]] * 2, np.float32)
        return rules.answer(np.clip(boxes, 0, limit), best[rows], ids, placement, threshold)

    return decode


def _parts(outputs: Mapping[str, NDArray[Any]], sides: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Every cell's scores (N, C) and numbers of distances (N, sides)."""
    if "predictions" in outputs:
        raw = np.asarray(outputs["predictions"][0], np.float32)
        return raw[:, :-sides], raw[:, -sides:]
    strides = sorted(int(name.removeprefix("scores_")) for name in outputs if name.startswith("scores_"))
    if not strides or any(f"distances_{stride}" not in outputs for stride in strides):
        raise ModelError("nanodet: the network has neither predictions nor scores and distances of every stride")
    scores, distances = (
        np.concatenate([np.asarray(outputs[f"{part}_{stride}"][0], np.float32) for stride in strides])
        for part in ("scores", "distances")
    )
    return scores, distances


def _means(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean distance that each softmax (N, 4, bins) says."""
    weights = np.exp(numbers - numbers.max(axis=2, keepdims=True))
    steps = np.arange(numbers.shape[2], dtype=np.float32)
    return np.asarray((weights @ steps) / weights.sum(axis=2), np.float32)


@functools.lru_cache(maxsize=16)
def _centers(height: int, width: int, rows: int, *, centred: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What distances are counted from (N, 2), and strides (N, 1): a cell's corner for Plus, else its middle."""
    strides = _strides_of(height, width, rows)
    if strides is None:
        raise ModelError(f"nanodet: {rows} rows are no grid of a {width}x{height} picture")
    middle = 0.5 if centred or len(strides) == 3 else 0.0
    centers, sizes = [], []
    for stride in strides:
        centers.append(cell_corners(height, width, stride) + middle * stride)
        sizes.append(np.full((len(centers[-1]), 1), stride))
    return np.concatenate(centers).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _strides_of(height: int, width: int, rows: int) -> tuple[int, ...] | None:
    counts = (sum(cells_at(height, width, stride) for stride in strides) for strides in _STRIDES)
    return next((strides for strides, count in zip(_STRIDES, counts, strict=True) if count == rows), None)


def read_as_nanodet(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with a row a cell whose scores come first and are the only ones brought between 0 and 1, or a pair of
    outputs a stride."""
    size = picture_size(file)
    if size is None:
        return None
    found = _in_one(file, size, labels, asked=asked) or _in_pairs(file, size)
    if found is None:
        return None
    outputs, classes, kind = found
    mean, std = (numbers[:: -1 if kind.color == "bgr" else 1] for numbers in (IMAGENET_MEAN, IMAGENET_STD))
    return Reading(
        Decode("nanodet", threshold=0.4, options={"iou": 0.6, **({"centred": True} if kind.centred else {})}),
        outputs=outputs,
        classes=classes,
        unnamed=names_by_count(classes),
        color=kind.color,
        resize=kind.resize,
        filter="linear",
        pad=0,
        mean=mean,
        std=std,
        notes=(f"read as {kind.name} {'as asked' if asked else 'from its outputs'}",),
    )


_Found = tuple[tuple[str, ...], int, _Kind]  # names of the outputs, how many classes


def _in_one(file: ModelDescription, size: tuple[int, int], labels: tuple[str, ...], *, asked: bool) -> _Found | None:
    if len(file.outputs) != 1 or len(file.outputs[0].shape) != 3:
        return None
    rows, columns = file.outputs[0].shape[1:]
    if rows is None or columns is None or columns <= 4 * _BINS or (strides := _strides_of(*size, rows)) is None:
        return None
    classes = columns - 4 * _BINS
    if not asked and not (_scores_come_first(file) and labels_fit(labels, classes)):
        return None
    return ("predictions",), classes, _PLUS if len(strides) == 4 else _BEFORE


def _scores_come_first(file: ModelDescription) -> bool:
    """Whether the first thing that each row is put together of went through a sigmoid; YOLOX's is its box."""
    first = file.origin_of(file.outputs[0].name, _PASSING)
    return first is not None and first.kind == "Sigmoid"


def _in_pairs(file: ModelDescription, size: tuple[int, int]) -> _Found | None:
    """A pair of scores and distances a stride, as exports before Plus have them, and PicoDet's of four strides."""
    for strides in _STRIDES:
        by_rows = {cells_at(*size, stride): stride for stride in strides}
        if len(file.outputs) != 2 * len(strides) or len(by_rows) != len(strides):
            continue
        roles, classes = {}, set()
        for output in file.outputs:
            if len(output.shape) != 3 or output.shape[1] not in by_rows or output.shape[2] is None:
                return None
            is_distance = output.shape[2] == 4 * _BINS and "cls" not in output.name
            classes |= set() if is_distance else {output.shape[2]}
            roles[output.name] = f"{'distances' if is_distance else 'scores'}_{by_rows[output.shape[1]]}"
        if len(set(roles.values())) == len(roles) and len(classes) == 1:
            return tuple(roles.values()), classes.pop(), _PICO if len(strides) == 4 else _BEFORE
    return None
