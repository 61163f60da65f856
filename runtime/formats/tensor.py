"""A model file's tensor as the file itself describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TensorInfo", "dequantized", "shape_of"]


@dataclass(frozen=True)
class TensorInfo:
    """Its name, shape and numbers; `None` in the shape is an axis that varies."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str  # numpy's name
    scale: float | None = None  # per-tensor quantization: real = (stored - zero_point) * scale
    zero_point: int = 0


def shape_of(info: TensorInfo) -> str:
    """A tensor's shape as people write it."""
    return "x".join("?" if axis is None else str(axis) for axis in info.shape) or "of unsaid shape"


def dequantized(array: NDArray[Any], info: TensorInfo) -> NDArray[Any]:
    """An output in real numbers: quantized ones are scaled, others come back as they are."""
    if info.scale is None or array.dtype.kind == "f":
        return array
    return (array.astype(np.float32) - np.float32(info.zero_point)) * np.float32(info.scale)
