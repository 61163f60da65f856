"""Training: from a folder of images to a run. Torch is imported when something of it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import TrainConfig
    from .run import Run
    from .training import fit, resume

_HOMES = {"Run": "run", "TrainConfig": "config", "fit": "training", "resume": "training"}

__all__ = ["Run", "TrainConfig", "fit", "resume"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"edgelens.train.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'edgelens.train' has no attribute {name!r}")
