"""Training: from a folder of images to a run. Torch is imported when something of it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelens.late import on_first_use

if TYPE_CHECKING:
    from .config import TrainConfig
    from .runs.run import Run
    from .training import fit, resume

_HOMES = {"Run": "runs.run", "TrainConfig": "config", "fit": "training", "resume": "training"}

__all__ = ["Run", "TrainConfig", "fit", "resume"]

__getattr__ = on_first_use(__name__, _HOMES)
