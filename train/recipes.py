"""Trainings by name: what `--recipe` sets, unless an option says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["TRAININGS"]

TRAININGS: Mapping[str, Mapping[str, Any]] = {
    "quick": {"minutes": 0.0, "epochs": 10, "augment": "quick", "schedule": "one-cycle", "warmup": 0.0, "ema": 0.0},
    "default": {"epochs": 0, "augment": None, "schedule": "cosine", "warmup": 1.0, "ema": 0.999},
    "best": {
        "epochs": 120,
        "augment": "best",
        "schedule": "cosine",
        "warmup": 3.0,
        "ema": 0.9995,
        "label_smoothing": 0.05,
    },
}
