"""SCRFD, InsightFace's detector: scores, distances to a face's sides and keypoints of every stride's anchors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..errors import ModelError
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules
from .faces import faces_at, rows_of
from .grids import cell_corners, cells_at
from .picture import ANY_SIZE, USUAL_SIZE, picture_size
from .protocol import Decoder
from .reading import Reading

__all__ = ["read_as_scrfd", "scrfd"]

_STRIDES = {3: (8, 16, 32), 5: (8, 16, 32, 64, 128)}  # by how many there are
_ANCHORS = {3: 2, 5: 1}  # a cell, in files of so many strides
_PARTS = {1: "scores", 4: "distances", 10: "points"}  # by the numbers that an anchor has of each
_STRIDE = re.compile(r"_(\d+)$")


class _Level(NamedTuple):
    """One stride's anchors that are sure of something, a row each, in input pixels."""

    scores: NDArray[np.float32]  # (N,)
    boxes: NDArray[np.float32]  # (N, 4) corners
    spots: NDArray[np.float32] | None  # (N, 5, 2)


def scrfd(network: Network, options: BoxOptions) -> Decoder:
    """Faces from `scores_S` (…, N, 1), `distances_S` (…, N, 4) and perhaps `points_S` (…, N, 10) of every stride S."""
    rules = BoxRules.of(network, options)
    names = {output.name for output in network.outputs}
    strides = [stride for stride in _STRIDES[5] if {f"scores_{stride}", f"distances_{stride}"} <= names]
    pointed = all(f"points_{stride}" in names for stride in strides)
    size = network.pixels.height, network.pixels.width

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        least = rules.least(threshold)
        levels = [_level(outputs, size, stride, least, pointed=pointed) for stride in strides]
        return faces_at(
            rules,
            np.concatenate([level.scores for level in levels]),
            np.concatenate([level.boxes for level in levels]),
            np.concatenate([level.spots for level in levels if level.spots is not None]) if pointed else None,
            placement=placement,
            threshold=threshold,
        )

    return decode


def _level(
    outputs: Mapping[str, NDArray[Any]], size: tuple[int, int], stride: int, least: float, *, pointed: bool
) -> _Level:
    """What the anchors of one stride find, counted from the corners of its cells, several after another at each."""
    numbers = {
        part: rows_of(outputs, f"{part}_{stride}", wide) for wide, part in _PARTS.items() if pointed or part != "points"
    }
    scores = numbers["scores"][:, 0]
    corners = cell_corners(*size, stride)
    each = len(scores) // len(corners)
    if not each or any(len(rows) != each * len(corners) for rows in numbers.values()):
        counts = ", ".join(str(len(rows)) for rows in numbers.values())
        raise ModelError(f"scrfd: {counts} rows are no anchors at stride {stride} of a {size[1]}x{size[0]} picture")
    rows = np.flatnonzero(scores >= least)
    places, reach = corners[rows // each], numbers["distances"][rows] * stride
    boxes = np.concatenate([places - reach[:, :2], places + reach[:, 2:]], axis=1)
    spots = places[:, None] + numbers["points"][rows].reshape(-1, 5, 2) * stride if pointed else None
    return _Level(scores[rows], boxes, spots)


def read_as_scrfd(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with scores, distances and perhaps keypoints at three strides, two anchors a cell, or at five, one.

    Not asked for, one without keypoints must name its strides or state two rows a cell: one row a cell with four
    numbers beside it could be any detector's.
    """
    roles = _roles(file, asked=asked)
    if roles is None:
        return None
    said = f"read as SCRFD {'as asked' if asked else 'from its outputs'}"
    return Reading(
        Decode("scrfd", threshold=0.5, options={"iou": 0.4}),
        outputs=tuple(roles[output.name] for output in file.outputs),
        classes=1,
        resize="letterbox",
        filter="linear",
        pad=0,
        anchor="topleft",
        mean=(127.5,),
        std=(128.0,),
        labels=labels or ("face",),
        size=USUAL_SIZE,
        notes=(said,) if picture_size(file) else (said, ANY_SIZE),
    )


def _roles(file: ModelDescription, *, asked: bool) -> dict[str, str] | None:
    """Each output's part and stride; None where there are other outputs, too few or too many."""
    groups: dict[int, list[TensorInfo]] = {wide: [] for wide in _PARTS}
    for output in file.outputs:
        wide = output.shape[-1] if len(output.shape) in (2, 3) else None
        if wide not in groups or output.shape[:-2] not in ((), (1,), (None,)):
            return None
        groups[wide].append(output)
    levels = len(groups[1])
    if levels not in _STRIDES or len(groups[4]) != levels or len(groups[10]) not in (0, levels):
        return None
    named = all(_named(group, _STRIDES[levels]) for group in groups.values())
    stated = all(output.shape[-2] is not None for output in file.outputs)
    if not asked and not (named or groups[10] or (stated and _ANCHORS[levels] > 1)):
        return None
    roles: dict[str, str] = {}
    for wide, group in groups.items():
        ordered = _in_order(group, _STRIDES[levels])
        if not (asked or _fits(ordered, file)):
            return None
        roles |= {
            output.name: f"{_PARTS[wide]}_{stride}" for output, stride in zip(ordered, _STRIDES[levels], strict=False)
        }
    return roles


def _named(outputs: Sequence[TensorInfo], strides: tuple[int, ...]) -> bool:
    """Whether the names of one part's outputs end in the strides."""
    found = [match for output in outputs if (match := _STRIDE.search(output.name))]
    return not outputs or sorted(int(match[1]) for match in found) == list(strides)


def _in_order(outputs: Sequence[TensorInfo], strides: tuple[int, ...]) -> list[TensorInfo]:
    """One part's outputs, the finest stride's first: by name, else by rows, else as the exporter lists them."""
    if _named(outputs, strides):
        return sorted(outputs, key=lambda output: int(output.name.rpartition("_")[2]))
    return sorted(outputs, key=lambda output: -(output.shape[-2] or 0))


def _fits(ordered: Sequence[TensorInfo], file: ModelDescription) -> bool:
    """Whether rows are as many as anchors, of the file's picture or of that which its exporter had.

    A file for pictures of any size may state the rows of the one that it was exported with.
    """
    if not ordered:
        return True
    strides, each = _STRIDES[len(ordered)], _ANCHORS[len(ordered)]
    return any(
        all(
            output.shape[-2] in (None, each * cells_at(*size, stride))
            for output, stride in zip(ordered, strides, strict=True)
        )
        for size in {picture_size(file) or USUAL_SIZE, USUAL_SIZE}
    )
