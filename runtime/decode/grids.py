"""The cells that grid detectors answer for: one row of output a cell, coarser strides after finer ones."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRIDE_SETS", "cell_corners", "cell_count", "cells", "cells_at", "strides_for"]

STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))


def cell_count(height: int, width: int, strides: tuple[int, ...]) -> int:
    """How many cells an input of this size has over all strides."""
    return sum((height // stride) * (width // stride) for stride in strides)


def strides_for(height: int, width: int, rows: int) -> tuple[int, ...] | None:
    """The usual strides that give so many cells, None where none do."""
    return next((strides for strides in STRIDE_SETS if cell_count(height, width, strides) == rows), None)


@functools.lru_cache(maxsize=16)
def cells(height: int, width: int, strides: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Every cell's column and row (N, 2) and its stride (N, 1)."""
    places, sizes = [], []
    for stride in strides:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        places.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        sizes.append(np.full((len(places[-1]), 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def cells_at(height: int, width: int, stride: int) -> int:
    """How many cells one stride has, those among them that the picture's edge cuts."""
    return math.ceil(height / stride) * math.ceil(width / stride)


@functools.lru_cache(maxsize=32)
def cell_corners(height: int, width: int, stride: int) -> NDArray[np.float32]:
    """Where those cells begin (N, 2) x, y in pixels."""
    down, across = np.mgrid[: math.ceil(height / stride), : math.ceil(width / stride)]
    return np.asarray(np.stack([across, down], axis=-1).reshape(-1, 2) * stride, np.float32)
