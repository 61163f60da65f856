"""What the service counts of its own work."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from ..shared.metrics_text import Family

__all__ = ["ServiceCounts"]

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ServiceCounts:
    """Requests by status and how long they took; touched by the event loop's thread alone."""

    def __init__(self) -> None:
        self.refused = 0  # 503
        self._statuses: dict[int, int] = {}
        self._buckets = [0] * (len(BOUNDS_S) + 1)
        self._seconds = 0.0

    def add(self, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self._seconds += seconds

    def to_json(self) -> dict[str, Any]:
        """The counts as plain JSON types."""
        return {
            "answered": sum(self._statuses.values()),
            "refused": self.refused,
            "by_status": {str(status): count for status, count in sorted(self._statuses.items())},
        }

    def families(self) -> list[Family]:
        """The counts for Prometheus."""
        rows = [({"status": str(status)}, float(count)) for status, count in sorted(self._statuses.items())]
        if self.refused:
            rows.append(({"status": "503"}, float(self.refused)))
        total = 0
        buckets: list[tuple[dict[str, str], float]] = []
        for bound, count in zip((*BOUNDS_S, None), self._buckets, strict=True):
            total += count
            buckets.append(({"": "_bucket", "le": "+Inf" if bound is None else f"{bound:g}"}, float(total)))
        buckets += [({"": "_sum"}, self._seconds), ({"": "_count"}, float(total))]
        return [
            ("edgelens_requests_total", "counter", "Recognition requests.", rows),
            ("edgelens_recognize_seconds", "histogram", "Time from a request's arrival to its answer.", buckets),
        ]
