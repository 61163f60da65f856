"""How far a bundle's files may be off where `verify` asks them: as far as here, and a margin for other machines."""

from __future__ import annotations

from edgelens.runtime.bundle.manifest import Limits
from edgelens.runtime.metrics.signal import distance_of

from ..export.artifact import Artifact, file_outputs
from ..tasks.task import Task
from .golden import GoldenFrames
from .parity import finite_db

__all__ = ["golden_limits", "limits_of"]


def golden_limits(artifact: Artifact, golden: GoldenFrames, task: Task) -> Limits:
    """How far a file may be off on other machines: what it is here, less a margin; more without VNNI."""
    values = file_outputs(artifact, golden.pictures)
    here, _ = distance_of(golden.reference, values)
    agreement = task.agreement(golden.reference, values)
    return limits_of(artifact.precision, agreement, finite_db(here), slack=1 / len(golden.pictures))


def limits_of(precision: str, agreement: float, here_db: float, *, slack: float) -> Limits:
    """What was measured here, less what another machine may cost; `slack` is a frame's worth of agreement."""
    if precision == "float32":
        return Limits(round(agreement, 4), round(min(here_db - 20, 60.0), 1))
    return Limits(
        round(max(agreement - slack, 0.0), 4),
        round(here_db - 6, 1),
        round(max(agreement - 2 * slack, 0.0), 4),
        round(min(here_db - 12, 12.0), 1),
    )
