"""Engines by name; each loader imports its package only when it is called."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ModelError
from .protocol import Engine, EngineOptions

__all__ = ["ENGINES", "Entry", "available", "open_engine"]


def _onnxruntime(model: bytes, options: EngineOptions) -> Engine:
    from .onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(model, options)


def _tflite(model: bytes, options: EngineOptions) -> Engine:
    from .tflite import TfliteEngine

    return TfliteEngine(model, options)


@dataclass(frozen=True)
class Entry:
    """An engine: how it is loaded, the modules of which one must be there, and what to install where none is."""

    load: Callable[[bytes, EngineOptions], Engine]
    modules: tuple[str, ...]
    package: str


ENGINES: dict[str, Entry] = {
    "onnxruntime": Entry(_onnxruntime, ("onnxruntime",), "onnxruntime"),
    "tflite": Entry(_tflite, ("ai_edge_litert", "tflite_runtime"), "ai-edge-litert"),
}


def available(name: str) -> bool:
    """Whether an engine's package is installed, found without importing it."""
    return name in ENGINES and any(importlib.util.find_spec(module) is not None for module in ENGINES[name].modules)


def open_engine(name: str, model: bytes, options: EngineOptions | None = None) -> Engine:
    """The named engine with a model loaded from its bytes."""
    if name not in ENGINES:
        raise ModelError(f"no engine is called {name!r}; there are {', '.join(ENGINES)}")
    if not available(name):
        raise ModelError(f"the engine {name} is not installed: pip install {ENGINES[name].package}")
    return ENGINES[name].load(model, options or EngineOptions())
