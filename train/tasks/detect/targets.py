"""A detector's targets: boxes as corners in pixels of the network's picture."""

from __future__ import annotations

import numpy as np
import torch

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract, placement_of

from ...data.targets import RaggedTargets
from .data import boxes_of

__all__ = ["box_targets"]

_LEAST = 0.2  # of a box's area that must be seen where the picture is cropped


def box_targets(images: ImageSet, pixels: PixelContract) -> RaggedTargets:
    """Columns boxes (R, 4) x1, y1, x2, y2, labels, crowd; what a cropped picture does not show is left out."""
    known = boxes_of(images)
    boxes, labels, crowd, counts = [], [], [], []
    for own, (height, width) in zip(known.boxes, known.sizes, strict=True):
        placement = placement_of(height or 1, width or 1, pixels)
        corners = placement.to_input(own.boxes)
        inside = np.clip(corners, 0, [pixels.width, pixels.height] * 2)
        whole, seen = ((c[:, 2:] - c[:, :2]).prod(axis=1) for c in (corners, inside))
        rows = seen > _LEAST * whole
        boxes.append(inside[rows].astype(np.float32))
        labels.append(own.labels[rows])
        crowd.append(own.crowd[rows])
        counts.append(int(rows.sum()))
    columns = {
        "boxes": torch.from_numpy(np.concatenate([np.empty((0, 4), np.float32), *boxes])),
        "labels": torch.from_numpy(np.concatenate([np.empty(0, np.int64), *labels])),
        "crowd": torch.from_numpy(np.concatenate([np.empty(0, bool), *crowd])),
    }
    return RaggedTargets(columns, torch.from_numpy(np.r_[0, np.cumsum(counts, dtype=np.int64)]))
