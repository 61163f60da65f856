"""Compression: from a trained run to the smallest bundle that keeps its accuracy, proven. Torch comes when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelens.late import on_first_use

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

__getattr__ = on_first_use(__name__, _HOMES)
