"""Handwriting-like digits as pen strokes: a few ways to write each, and a hand that never writes one twice the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["glyph_strokes", "spline"]

# Each digit: ways to write it; each way: strokes, parted by bars; each stroke: the points x,y that the pen passes, in
# hundredths of a unit box, x right and y down.
_WAYS: dict[int, tuple[str, ...]] = {
    0: (
        "52,2 20,20 13,52 25,87 50,98 78,82 87,48 76,14 50,2",
        "60,5 30,12 14,45 20,80 45,97 75,85 85,50 72,15 52,4",
    ),
    1: (
        "55,2 52,35 50,68 48,98",
        "33,24 46,13 56,2 55,50 54,98",
    ),
    2: (
        "17,24 32,6 58,3 77,20 72,44 46,70 17,95 | 17,95 50,93 85,95",
        "20,20 40,3 68,10 74,34 55,62 30,86 18,94 36,88 60,94 86,92",
    ),
    3: (
        "20,13 45,2 73,13 72,34 46,47 | 46,47 76,57 80,80 52,98 18,88",
        "22,6 48,5 74,5 60,24 44,42 | 44,42 74,52 79,76 54,97 20,90",
    ),
    4: (
        "32,3 25,30 17,58 50,58 86,56 | 68,6 66,50 64,98",
        "66,98 67,50 67,3 | 67,3 40,36 13,66 | 13,66 50,66 88,66",
    ),
    5: (
        "78,5 52,5 28,6 | 28,6 26,24 23,45 | 23,45 50,38 77,52 79,77 54,97 20,90",
        "30,5 28,25 25,44 52,40 77,55 76,82 48,97 18,88 | 30,5 55,6 82,3",
    ),
    6: (
        "70,4 42,20 22,50 20,78 42,97 70,88 77,68 58,52 34,58 21,74",
        "60,2 36,25 20,58 26,88 52,97 76,82 68,60 44,55 24,70",
    ),
    7: (
        "16,8 50,6 83,6 | 83,6 62,42 40,98",
        "16,10 50,6 84,7 | 84,7 60,45 42,98 | 36,52 54,50 74,49",
    ),
    8: (
        "68,12 44,2 24,17 36,38 62,55 76,77 54,97 26,90 22,68 46,48 70,30 68,12",
        "50,48 27,34 30,10 52,2 72,12 72,34 50,48 26,64 24,87 50,98 76,86 74,64 50,48",
    ),
    9: (
        "76,22 55,3 29,12 23,34 44,50 68,42 77,20 | 77,20 74,55 66,98",
        "72,16 46,3 24,20 30,44 56,48 75,30 74,12 76,50 62,84 36,97",
    ),
}


def glyph_strokes(digit: int, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """A digit as one hand would write it now: strokes of (N, 2) points, centred, 1 high."""
    ways = _WAYS[digit]
    slant, widen = rng.normal(0.08, 0.1), rng.uniform(0.72, 1.05)
    wobble = rng.uniform(0.008, 0.026)
    shift = rng.normal(0, wobble, (2, 3))  # low sine waves bend the whole glyph, so strokes stay joined
    strokes = []
    for stroke in ways[rng.integers(len(ways))].split("|"):
        points = np.array([point.split(",") for point in stroke.split()], np.float32) / 100
        bend = np.stack([np.sin(np.pi * (k + 1) * points[:, ::-1]) for k in range(3)])  # (3, N, 2)
        points = points + np.einsum("knc,ck->nc", bend, shift * 1.6)
        points[1:-1] += rng.normal(0, wobble * 0.55, (len(points) - 2, 2))
        points -= 0.5
        points[:, 0] = points[:, 0] * widen - points[:, 1] * slant
        strokes.append(spline(points.astype(np.float32)))
    low = np.min([s[:, 1].min() for s in strokes])
    high = np.max([s[:, 1].max() for s in strokes])
    left = np.min([s[:, 0].min() for s in strokes])
    right = np.max([s[:, 0].max() for s in strokes])
    middle = np.array([(left + right) / 2, (low + high) / 2], np.float32)
    return [((s - middle) / np.float32(high - low)).astype(np.float32) for s in strokes]


def spline(points: NDArray[np.float32], steps: int = 8) -> NDArray[np.float32]:
    """A Catmull-Rom curve through the points, `steps` pieces between each pair."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return np.concatenate([curve.reshape(-1, 2), points[-1:]]).astype(np.float32)
