"""Where a box lies by all that found the same thing: cells beside one another see its edges about equally well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import overlaps

__all__ = ["VOTE", "voted"]

VOTE = 0.025  # what the kit's own detectors are trained and judged by


def voted(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    ids: NDArray[Any],
    kept: NDArray[np.intp],
    spread: float,
) -> NDArray[np.float32]:
    """Corners (K, 4) of the boxes that suppression kept, each the mean of its class's boxes (N, 4) around it.

    A box has a say by the square of its score and by how much it overlaps, which falls as a Gaussian of that `spread`
    in 1 - IoU does (as in He et al. 2019, whose networks say how unsure an edge is where these have a score); 0 leaves
    the boxes as they are.
    """
    if not spread or not len(kept):
        return boxes[kept]
    said = np.flatnonzero(np.isfinite(boxes).all(axis=1) & np.isfinite(scores))
    shared = overlaps(boxes[kept], boxes[said])
    weights = scores[said] ** 2 * np.exp(-((1 - shared) ** 2) / np.float32(spread))
    weights *= (shared > 0) & (ids[kept][:, None] == ids[said])
    total = weights.sum(axis=1, keepdims=True)
    mean = weights @ boxes[said] / np.where(total, total, 1)
    return np.asarray(np.where(total, mean, boxes[kept]), np.float32)  # one without an area overlaps not even itself
