"""How far a bundle's files may be off where `verify` asks them: as far as here, and a margin for other machines."""

from __future__ import annotations

from edgelens.runtime.bundle.manifest import Limits, Network
from edgelens.runtime.metrics.signal import distance_of
from edgelens.runtime.tasks.catalog import task_of

from ..export.artifact import Artifact, file_outputs
from .decoded import decoded
from .golden import GoldenFrames
from .parity import finite_db

__all__ = ["golden_limits", "limits_of"]


def golden_limits(artifact: Artifact, golden: GoldenFrames, network: Network) -> Limits:
    """How far a network's file may be off on other machines: what it is here, less a margin; more without VNNI.

    The agreement is what `verify` counts there: of what is seen, by the thresholds that ship.
    """
    values = file_outputs(artifact, golden.pictures)
    here, _ = distance_of(golden.reference, values)
    agreement = task_of(network.task).agreement(decoded(network, golden.reference), decoded(network, values))
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
