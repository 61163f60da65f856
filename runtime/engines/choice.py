"""`--engine NAME[:ACCELERATOR[,ACCELERATOR]]`: an engine, and what it should run on."""

from __future__ import annotations

from ..errors import UsageError
from .catalog import ENGINES
from .protocol import EngineOptions

__all__ = ["options_for", "split_engine"]


def split_engine(text: str) -> tuple[str, tuple[str, ...]]:
    """The engine's name and its accelerators, from `onnxruntime:tensorrt,cuda`."""
    name, _, rest = text.partition(":")
    accelerators = tuple(part.strip().lower() for part in rest.split(",") if part.strip())
    if name not in ("auto", *ENGINES):
        raise UsageError(f"--engine {text}: must be auto, {' or '.join(ENGINES)}, such as onnxruntime:cuda")
    if accelerators and name == "auto":
        raise UsageError(f"--engine {text}: an accelerator needs its engine's name, such as onnxruntime:cuda")
    return name, accelerators


def options_for(text: str, threads: int | None, *, spin: bool = False) -> EngineOptions:
    """How the engine that was asked for runs."""
    return EngineOptions(threads or 1, split_engine(text)[1], spin)
