"""What an engine is: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ..formats.tensor import TensorInfo

__all__ = ["Engine", "EngineOptions"]


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
