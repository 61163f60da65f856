"""Inputs to time a model with: random, of the shapes and types that the file itself asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.formats.tensor import TensorInfo

__all__ = ["random_inputs"]


def random_inputs(infos: Sequence[TensorInfo], shape: Sequence[int] = ()) -> list[NDArray[Any]]:
    """One array an input; open axes become 1, or the image's own `shape` where one is given."""
    rng = np.random.default_rng(0)
    return [_random(rng, info, shape) for info in infos]


def _random(rng: np.random.Generator, info: TensorInfo, shape: Sequence[int]) -> NDArray[Any]:
    full = len(shape) == len(info.shape)
    size = [(shape[i] if full else 1) if axis is None else axis for i, axis in enumerate(info.shape)]
    dtype = np.dtype(info.dtype)
    if dtype.kind == "f":
        return rng.uniform(-1, 1, size).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, size).astype(dtype)
    if dtype.itemsize > 1:  # indices and lengths: 0 is always one
        return np.zeros(size, dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max + 1, size).astype(dtype)
