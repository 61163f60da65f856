"""MediaPipe's detectors of faces, palms and people: boxes and keypoints beside fixed anchors, before any decoding."""

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
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners, overlaps
from .classify import sigmoid
from .grids import cell_corners, cells_at
from .picture import picture_size
from .protocol import Decoder, flag, option
from .reading import Reading

__all__ = ["MediapipeOptions", "mediapipe", "read_as_mediapipe"]

_GRIDS = ({8: 2, 16: 6}, {4: 1}, {8: 2, 16: 2, 32: 6}, {16: 2, 32: 6})  # anchors a cell at each stride
_FINE = {4: 1}  # far faces' grid, whose own program asks for more
_NOWHERE = 1e9  # pixels beside an anchor, which only a network says that has broken down
_SHARE = 0.3  # boxes that overlap by more are one thing


@dataclass(frozen=True)
class _Kind:
    """What a detector with so many numbers an anchor finds."""

    label: str
    mean: float  # of the input's pixels; the deviation is the same, or 255 for none
    circled: bool = False  # its first two keypoints are a thing's middle and a point on the circle around it


_KINDS = {16: _Kind("face", 127.5), 18: _Kind("palm", 0.0), 12: _Kind("person", 127.5, circled=True)}


@dataclass(frozen=True)
class MediapipeOptions(BoxOptions):
    """How a MediaPipe detector's outputs are read."""

    circled: bool = option(False, flag)


def mediapipe(network: Network, options: MediapipeOptions) -> Decoder:
    """Things from `boxes` (1, N, 4 + 2K), center, size and keypoints in pixels beside the anchors, and `scores`.

    What lies over a better one is not dropped but averaged with it, as these detectors are made for.
    """
    rules = BoxRules.of(network, options)
    size = network.pixels.height, network.pixels.width

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        logits = np.asarray(outputs["scores"], np.float32).reshape(-1)
        scores = sigmoid(logits)
        numbers = np.asarray(outputs["boxes"], np.float32).reshape(len(scores), -1)
        sound = (np.abs(numbers) < _NOWHERE).all(axis=1)  # else, weighing nothing, it is no number for all others
        rows = np.flatnonzero((scores >= rules.least(threshold)) & sound)
        raw = numbers[rows]
        anchors = _anchors(*size, len(scores))[rows]
        boxes = corners(np.concatenate([raw[:, :2] + anchors, raw[:, 2:4]], axis=1))
        points = raw[:, 4:].reshape(len(rows), (raw.shape[1] - 4) // 2, 2) + anchors[:, None]
        kept = rules.kept(boxes, scores[rows], np.zeros(len(rows), np.int64), threshold)
        boxes, points = _averaged(boxes, points, scores[rows], kept, options.iou)
        if options.circled:
            boxes = _around(points)
        spots = placement.points_to_frame(points)  # also beyond the frame, where a person's circle may begin
        spots = np.concatenate([spots, np.ones((*points.shape[:2], 1), np.float32)], axis=2)
        return rules.seen(
            placement.to_frame(boxes),
            scores[rows][kept],
            np.zeros(len(kept), np.int64),
            keypoints=spots,
        )

    return decode


@functools.lru_cache(maxsize=8)
def _anchors(height: int, width: int, rows: int) -> NDArray[np.float32]:
    """The middles (N, 2) of the anchors in input pixels."""
    grid = _grid_of(height, width, rows)
    if grid is None:
        raise ModelError(f"mediapipe: {rows} rows are no anchors of a {width}x{height} picture")
    middles = []
    for stride, count in grid.items():
        places = cell_corners(height, width, stride) + stride / 2
        middles.append(np.repeat(places, count, axis=0))
    return np.concatenate(middles).astype(np.float32)


def _grid_of(height: int, width: int, rows: int) -> dict[int, int] | None:
    counts = (sum(cells_at(height, width, s) * count for s, count in grid.items()) for grid in _GRIDS)
    return next((grid for grid, count in zip(_GRIDS, counts, strict=True) if count == rows), None)


def _averaged(
    boxes: NDArray[np.float32],
    points: NDArray[np.float32],
    scores: NDArray[Any],
    kept: NDArray[np.intp],
    share: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The kept boxes and points, each with those that yielded to it, weighted by their scores."""
    over = overlaps(boxes[kept], boxes) > share
    over[np.arange(len(kept)), kept] = True
    first = over & (np.cumsum(over, axis=0) == 1)  # each yields to the best that it lies over
    weights = first * scores
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    flat = np.concatenate([boxes, points.reshape(len(points), points.shape[1] * 2)], axis=1)
    mixed = np.asarray(weights @ flat, np.float32)
    return mixed[:, :4], mixed[:, 4:].reshape(len(kept), *points.shape[1:])


def _around(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The squares around circles, whose middles are the first points and that the second ones lie on."""
    reach = np.linalg.norm(points[:, 1] - points[:, 0], axis=1, keepdims=True)
    return np.concatenate([points[:, 0] - reach, points[:, 0] + reach], axis=1)


def read_as_mediapipe(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file with one score and 12, 16 or 18 numbers for each of the anchors that a picture of its size has."""
    size = picture_size(file)
    if size is None or len(file.outputs) != 2 or any(len(output.shape) != 3 for output in file.outputs):
        return None
    wide = [output.shape[2] for output in file.outputs]
    rows = {output.shape[1] for output in file.outputs}
    columns = next((columns for columns in wide if columns in _KINDS), None)
    count = rows.pop()
    if 1 not in wide or columns is None or rows or count is None or (grid := _grid_of(*size, count)) is None:
        return None
    kind = _KINDS[columns]
    options: dict[str, Any] = {"iou": _SHARE, **({"circled": True} if kind.circled else {})}
    return Reading(
        Decode("mediapipe", threshold=0.6 if grid == _FINE else 0.5, options=options),
        outputs=tuple("scores" if columns == 1 else "boxes" for columns in wide),
        classes=1,
        resize="letterbox",
        filter="linear",
        pad=0,
        mean=(kind.mean,),
        std=(kind.mean or 255.0,),
        labels=labels or (kind.label,),
        notes=(f"read as MediaPipe's detector of a {kind.label} {'as asked' if asked else 'from its anchors'}",),
    )
