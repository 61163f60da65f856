"""What a network may cost, and how far a measured one is from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgelens.runtime.errors import UsageError

__all__ = ["Budget", "Cost"]

_TIMES = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_SIZES = {"b": 1, "kb": 1_000, "mb": 1_000_000, "kib": 1024, "mib": 1024**2}
MARGIN = 1.05  # a measured p95 must stay this far inside: the next measurement will not be the same


@dataclass(frozen=True)
class Cost:
    """One model file as measured or predicted."""

    accuracy: float  # on validation images
    size_bytes: int
    latency_ms: float  # p95 where measured, the interval's upper end where predicted
    memory_mb: float | None = None
    predicted_ms: float | None = None  # the estimate itself; None where the latency was measured

    @property
    def latency_words(self) -> str:
        """The latency and what it is: a measured p95, or an estimate with the end of its interval that counts."""
        if self.predicted_ms is None:
            return f"p95 {self.latency_ms:.4g} ms"
        return f"{self.predicted_ms:.4g} ms predicted, 80 % interval up to {self.latency_ms:.4g} ms"


@dataclass(frozen=True)
class Budget:
    """Limits; None where there is none."""

    latency_ms: float | None = None
    size_bytes: int | None = None
    memory_mb: float | None = None
    max_drop: float | None = None  # accuracy points below the trained network
    min_accuracy: float | None = None

    @classmethod
    def parse(
        cls,
        *,
        max_latency: str | None = None,
        max_size: str | None = None,
        max_memory: str | None = None,
        max_drop: float | None = None,
        min_accuracy: float | None = None,
    ) -> Budget:
        """A budget from what the command line says: `15ms`, `100KB`, `20MB`."""
        if max_drop is not None and not max_drop >= 0:
            raise UsageError(f"--max-drop {max_drop:g}: points that may be lost, not negative")
        if min_accuracy is not None and not 0 <= min_accuracy <= 1:
            raise UsageError(f"--min-accuracy {min_accuracy:g}: a share between 0 and 1")
        return cls(
            None if max_latency is None else _number(max_latency, _TIMES, "--max-latency", "15ms"),
            None if max_size is None else max(int(_number(max_size, _SIZES, "--max-size", "100KB")), 1),
            None if max_memory is None else _number(max_memory, _SIZES, "--max-memory", "20MB") / 1e6,
            max_drop,
            min_accuracy,
        )

    def least_accuracy(self, trained: float) -> float:
        """What accuracy must not fall below."""
        dropped = 0.0 if self.max_drop is None else trained - self.max_drop / 100
        return max(self.min_accuracy or 0.0, dropped)

    def excess(self, cost: Cost, trained: float) -> dict[str, float]:
        """Each limit that is broken, as a share of it; empty where all are kept."""
        margin = MARGIN if cost.predicted_ms is None else 1.0
        over: dict[str, float] = {}
        for name, value, limit in (
            ("latency", cost.latency_ms * margin, self.latency_ms),
            ("size", float(cost.size_bytes), self.size_bytes),
            ("memory", cost.memory_mb, self.memory_mb),
        ):
            if limit is not None and value is not None and value > limit:
                over[name] = value / limit - 1
        least = self.least_accuracy(trained)
        if cost.accuracy < least - 1e-9:
            over["accuracy"] = least - cost.accuracy
        return over

    def words(self) -> str:
        """The budget in words."""
        parts = []
        if self.latency_ms is not None:
            parts.append(f"p95 ≤ {self.latency_ms:g} ms")
        if self.size_bytes is not None:
            parts.append(f"file ≤ {self.size_bytes:,} bytes")
        if self.memory_mb is not None:
            parts.append(f"memory ≤ {self.memory_mb:g} MB")
        if self.max_drop is not None:
            parts.append(f"≤ {self.max_drop:g} points lost")
        if self.min_accuracy is not None:
            parts.append(f"accuracy ≥ {100 * self.min_accuracy:g} %")
        return ", ".join(parts) or "no limit"


def _number(text: str, units: dict[str, float] | dict[str, int], option: str, like: str) -> float:
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Zµ]+)\s*", text)
    if match is None or match[2].lower() not in units or float(match[1]) <= 0:
        raise UsageError(f"{option} {text}: write a number and a unit, like {like} ({', '.join(units)})")
    return float(match[1]) * units[match[2].lower()]
