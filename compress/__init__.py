"""Compression: from a trained run to the smallest bundle that keeps its accuracy, proven. Torch comes when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import CompressConfig
    from .foreign import bundle_file, compress_onnx
    from .pipeline import compress_run
    from .search.budget import Budget
    from .search.search import SearchConfig, search_run

_HOMES = {
    "Budget": "search.budget",
    "CompressConfig": "config",
    "SearchConfig": "search.search",
    "bundle_file": "foreign",
    "compress_onnx": "foreign",
    "compress_run": "pipeline",
    "search_run": "search.search",
}

__all__ = ["Budget", "CompressConfig", "SearchConfig", "bundle_file", "compress_onnx", "compress_run", "search_run"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"edgelens.compress.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'edgelens.compress' has no attribute {name!r}")
