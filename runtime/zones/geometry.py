"""Where points are: beside a line, inside a zone. All in pixels of the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["anchors", "beside", "inside", "passed_at", "place_on", "scaled"]

Array = NDArray[np.float64]


def anchors(boxes: NDArray[np.float32], anchor: str) -> Array:
    """(N, 2) where things with boxes (N, 4) x, y, w, h are: the middle of the lower edge ("feet") or of the box."""
    x, y, w, h = boxes.astype(np.float64).T
    return np.stack([x + w / 2, y + (h if anchor == "feet" else h / 2)], axis=1)


def scaled(points: tuple[tuple[float, float], ...], size: tuple[int, int]) -> Array:
    """(P, 2) fractions of a frame as pixels; `size` is height and width."""
    return np.array(points, np.float64) * (size[1], size[0])


def beside(points: Array, start: Array, end: Array) -> Array:
    """(N,) how far points are beside a line, in pixels; below 0 on the side that counts as in."""
    way = end - start
    off = points - start
    return np.asarray((way[0] * off[:, 1] - way[1] * off[:, 0]) / max(float(np.hypot(*way)), 1e-9))


def place_on(before: Array, after: Array, start: Array, end: Array) -> float:
    """Where the way from one point to another meets a line: 0 its start, 1 its end, beyond them past it."""
    way, step = end - start, after - before
    cross = way[0] * step[1] - way[1] * step[0]
    if abs(cross) < 1e-12:
        return float("nan")
    off = before - start
    return float((off[0] * step[1] - off[1] * step[0]) / cross)


def passed_at(outer: Array, inner: Array, corners: Array) -> float:
    """How much of the way from a point outside to one inside lies outside, 0 to 1, by halving it again and again."""
    low, high = 0.0, 1.0
    for _ in range(7):
        middle = (low + high) / 2
        point = outer + (inner - outer) * middle
        low, high = (low, middle) if inside(point[None], corners)[0] else (middle, high)
    return (low + high) / 2


def inside(points: Array, corners: Array) -> NDArray[np.bool_]:
    """(N,) whether points lie inside a closed line through `corners` (P, 2), by how often a ray meets it."""
    x, y = points[:, 0:1], points[:, 1:2]
    x0, y0 = corners.T
    x1, y1 = np.roll(corners, -1, axis=0).T
    spans = (y0 > y) != (y1 > y)
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    return np.asarray((spans & (x < (x1 - x0) * (y - y0) / rise + x0)).sum(axis=1) % 2 == 1)
