"""Engines by name; each loader imports its package only when it is called."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from ..errors import ModelError
from .protocol import Engine, EngineOptions

__all__ = ["ENGINES", "available", "open_engine"]


def _onnxruntime(model: bytes, options: EngineOptions) -> Engine:
    from .onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(model, options)


def _tflite(model: bytes, options: EngineOptions) -> Engine:
    from .tflite import TfliteEngine

    return TfliteEngine(model, options)


ENGINES: dict[str, Callable[[bytes, EngineOptions], Engine]] = {
    "onnxruntime": _onnxruntime,
    "tflite": _tflite,
}

_PACKAGES = {"onnxruntime": ("onnxruntime",), "tflite": ("ai_edge_litert", "tflite_runtime")}


def available(name: str) -> bool:
    """Whether an engine's package is installed, found without importing it."""
    return any(importlib.util.find_spec(package) is not None for package in _PACKAGES.get(name, ()))


def open_engine(name: str, model: bytes, options: EngineOptions | None = None) -> Engine:
    """The named engine with a model loaded from its bytes."""
    if name not in ENGINES:
        raise ModelError(f"no engine is called {name!r}; there are {', '.join(ENGINES)}")
    if not available(name):
        package = {"onnxruntime": "onnxruntime", "tflite": "ai-edge-litert"}[name]
        raise ModelError(f"the engine {name} is not installed: pip install {package}")
    return ENGINES[name](model, options or EngineOptions())
