"""YuNet: faces with five keypoints from three grids, each cell's class, objectness, box and points apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..formats.description import ModelDescription
from ..formats.tensor import TensorInfo
from ..preprocess import Placement
from ..recognitions import Recognitions
from .boxes import BoxOptions, BoxRules, corners
from .faces import faces_at
from .grids import cells
from .picture import picture_size
from .protocol import Decoder
from .reading import Reading
from .yunet_reading import yunet_reading

__all__ = ["read_as_yunet", "yunet"]

_STRIDES = (8, 16, 32)
_PARTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # numbers a cell
_NAME = re.compile(r"(cls|obj|bbox|kps)_(8|16|32)(?!\d)")


def yunet(network: Network, options: BoxOptions) -> Decoder:
    """Faces from `cls_S`, `obj_S` (1, N, 1), `bbox_S` (1, N, 4) and `kps_S` (1, N, 10) of the strides S 8, 16, 32."""
    rules = BoxRules.of(network, options)
    places, strides = cells(network.pixels.height, network.pixels.width, _STRIDES)

    def decode(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        face, there, boxes, points = (_together(outputs, part) for part in _PARTS)
        scores = np.sqrt(np.clip(face, 0, 1) * np.clip(there, 0, 1))[:, 0]
        rows = np.flatnonzero(scores >= rules.least(threshold))
        place, stride = places[rows], strides[rows]
        centers = (boxes[rows, :2] + place) * stride
        extents = np.exp(np.minimum(boxes[rows, 2:], 20)) * stride
        spots = (points[rows].reshape(-1, 5, 2) + place[:, None]) * stride[:, None]
        found = corners(np.concatenate([centers, extents], axis=1))
        return faces_at(rules, scores[rows], found, spots, placement=placement, threshold=threshold)

    return decode


def _together(outputs: Mapping[str, NDArray[Any]], part: str) -> NDArray[np.float32]:
    """One part's numbers of all strides' cells."""
    grids = [np.asarray(outputs[f"{part}_{stride}"], np.float32).reshape(-1, _PARTS[part]) for stride in _STRIDES]
    return np.concatenate(grids)


def read_as_yunet(file: ModelDescription, labels: tuple[str, ...], *, asked: bool = False) -> Reading | None:
    """A file whose twelve outputs are named as YuNet's, or are as long as its grids; the latter only where asked."""
    size = picture_size(file)
    roles = _named(file.outputs) or (_shaped(file.outputs, size) if asked else None)
    if roles is None:
        return None
    picked = () if len(roles) == len(file.outputs) else tuple(roles)
    return yunet_reading("yunet", "YuNet", tuple(roles.values()), labels, picked=picked, asked=asked)


def _named(outputs: tuple[TensorInfo, ...]) -> dict[str, str] | None:
    """Each output's part and stride, by the file's names of them."""
    found = {output.name: match[0] for output in outputs if (match := _NAME.search(output.name))}
    return found if _is_whole(found) else None


def _shaped(outputs: tuple[TensorInfo, ...], size: tuple[int, int] | None) -> dict[str, str] | None:
    """The same by shapes; which of a stride's two single numbers is the class does not matter: they are multiplied."""
    if size is None:
        return None
    strides = {(size[0] // stride) * (size[1] // stride): stride for stride in _STRIDES}
    found: dict[str, str] = {}
    for output in outputs:
        if len(output.shape) != 3 or output.shape[1] not in strides:
            return None
        role = f"_{strides[output.shape[1]]}"
        free = [part for part, wide in _PARTS.items() if wide == output.shape[2] and part + role not in found.values()]
        if free:
            found[output.name] = free[0] + role
    return found if _is_whole(found) else None


def _is_whole(roles: Mapping[str, str]) -> bool:
    return sorted(roles.values()) == sorted(f"{part}_{stride}" for part in _PARTS for stride in _STRIDES)
