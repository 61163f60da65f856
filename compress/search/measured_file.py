"""One point of a search's plot: a file of a candidate, what it costs, and how far outside the budget that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..candidate import Candidate
from ..export.artifact import Artifact
from .budget import Cost
from .space import Attempt

__all__ = ["MeasuredFile"]


@dataclass(frozen=True)
class MeasuredFile:
    """One measured file of one candidate."""

    plan: Attempt
    artifact: Artifact
    candidate: Candidate
    cost: Cost
    excess: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "candidate": self.plan.words,
            "file": self.artifact.title,
            "accuracy": self.cost.accuracy,
            "size": self.cost.size_bytes,
            "latency_ms": round(self.cost.latency_ms, 5),
            "memory_mb": self.cost.memory_mb,
            "latency": self.cost.latency_words,
            "predicted_ms": None if self.cost.predicted_ms is None else round(self.cost.predicted_ms, 5),
            "fits": not self.excess,
        }
