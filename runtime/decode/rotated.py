"""Rotated boxes: center, size and angle; how much two of them are one thing, and their corners."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["alike", "corners_of_rotated"]

_TINY = 1e-7


def corners_of_rotated(boxes: NDArray[Any]) -> NDArray[np.float32]:
    """The four corners (N, 4, 2), in order around each, of boxes (N, 5) center x, y, width, height, angle in radians.

    A positive angle turns the box's width from right to down.
    """
    cos, sin = np.cos(boxes[:, 4]), np.sin(boxes[:, 4])
    along = np.stack([cos, sin], axis=1) * boxes[:, 2:3] / 2
    across = np.stack([-sin, cos], axis=1) * boxes[:, 3:4] / 2
    center = boxes[:, :2]
    return np.stack(
        [center - along - across, center + along - across, center + along + across, center - along + across], axis=1
    ).astype(np.float32)


def alike(ones: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float64]:
    """How much boxes (P, 5) and the others' of the same rows are one thing (P,), 0 to 1.

    Each box stands for the Gaussian that spreads as it does, and what two of them share is one less their Hellinger
    distance: what these networks were trained by, and their thresholds made for. Boxes that do not touch share nothing.
    """
    apart = ((ones[:, :2] - others[:, :2]) ** 2).sum(axis=1)
    reach = [np.hypot(boxes[:, 2], boxes[:, 3]) / 2 for boxes in (ones, others)]
    near = np.flatnonzero(apart < (reach[0] + reach[1]) ** 2)
    shared = np.zeros(len(apart))
    shared[near] = _alike(np.asarray(ones[near], np.float64), np.asarray(others[near], np.float64))
    return shared


def _alike(ones: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of boxes that may touch."""
    (xa, ya, aa, ba, ca), (xb, yb, ab, bb, cb) = _spread(ones), _spread(others)
    sum_a, sum_b, sum_c = aa + ab, ba + bb, ca + cb
    area = sum_a * sum_b - sum_c**2
    dx, dy = xa - xb, ya - yb
    apart = (sum_a * dy**2 + sum_b * dx**2) / (4 * area + _TINY) - sum_c * dx * dy / (2 * area + _TINY)
    own = np.maximum(aa * ba - ca**2, 0) * np.maximum(ab * bb - cb**2, 0)
    apart = apart + np.log(area / (4 * np.sqrt(own) + _TINY) + _TINY) / 2
    return np.asarray(1 - np.sqrt(1 - np.exp(-np.clip(apart, _TINY, 100)) + _TINY))


def _spread(boxes: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Center x, y and covariance (xx, yy, xy) of the Gaussians that boxes stand for."""
    x, y, w, h, angle = boxes.T
    along, across = w**2 / 12, h**2 / 12
    cos, sin = np.cos(angle), np.sin(angle)
    return x, y, along * cos**2 + across * sin**2, along * sin**2 + across * cos**2, (along - across) * cos * sin
