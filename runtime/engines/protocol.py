"""What an engine is: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "EngineOptions", "TensorInfo", "dequantized", "shape_of"]


@dataclass(frozen=True)
class TensorInfo:
    """A model file's tensor as the file itself describes it; `None` in the shape is an axis that varies."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str  # numpy's name
    scale: float | None = None  # per-tensor quantization: real = (stored - zero_point) * scale
    zero_point: int = 0


@dataclass(frozen=True)
class EngineOptions:
    """How an engine runs; `accelerators` are execution providers or delegates by name, tried in order."""

    threads: int = 1
    accelerators: tuple[str, ...] = ()
    spin: bool = False  # busy-wait between runs: faster back to back, a burnt core between a camera's frames
    cache: str | None = None  # folder for what an accelerator builds once; beside the remembered winners unless said


class Engine(Protocol):
    """A loaded model file; a context manager, closed when left."""

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    metadata: Mapping[str, str]
    notes: tuple[str, ...]  # what had to fall back, in words for people

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs in the file's order, for inputs in the file's order; arrays may be reused by the next run."""

    def __enter__(self) -> Engine: ...

    def __exit__(self, *exc: object) -> None: ...


def shape_of(info: TensorInfo) -> str:
    """A tensor's shape as people write it."""
    return "x".join("?" if axis is None else str(axis) for axis in info.shape) or "of unsaid shape"


def dequantized(array: NDArray[Any], info: TensorInfo) -> NDArray[Any]:
    """An output in real numbers: quantized ones are scaled, others come back as they are."""
    if info.scale is None or array.dtype.kind == "f":
        return array
    return (array.astype(np.float32) - np.float32(info.zero_point)) * np.float32(info.scale)
