"""What the service counts of its own work."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import Any

from ...result import Result
from ..shared.metrics_text import Family

__all__ = ["ServiceCounts"]

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class ServiceCounts:
    """Requests by status and how long they took, from the event loop's thread; labels from any."""

    def __init__(self) -> None:
        self.refused = 0  # 503
        self._statuses: dict[int, int] = {}
        self._buckets = [0] * (len(BOUNDS_S) + 1)
        self._seconds = 0.0
        self._labels: Counter[str] = Counter()
        self._counting = threading.Lock()

    def add(self, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self._seconds += seconds

    def see(self, result: Result) -> None:
        """Count the labels of one picture."""
        called = map(result.seen.called, range(len(result.seen)))
        with self._counting:
            self._labels.update({name for name in called if name is not None})

    def labels(self) -> dict[str, int]:
        """Pictures in which each label was seen."""
        with self._counting:
            return dict(self._labels)

    def to_json(self) -> dict[str, Any]:
        """The counts as plain JSON types."""
        statuses = dict(self._statuses)  # at once: other threads ask, too
        answered = sum(statuses.values())
        return {
            "answered": answered,
            "refused": self.refused,
            "mean_ms": round(1e3 * self._seconds / answered, 3) if answered else None,
            "by_status": {str(status): count for status, count in sorted(statuses.items())},
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
            (
                "edgelens_request_labels_total",
                "counter",
                "Pictures of requests in which a label was seen.",
                [({"label": label}, float(count)) for label, count in self.labels().items()],
            ),
        ]
