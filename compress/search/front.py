"""The Pareto front of a search: as marks on its rows, as a table, as plots; and how near the nearest came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..bundle.report import pareto_plot
from .measured_file import MeasuredFile

__all__ = ["mark_front", "nearest_words", "pareto_plots", "table_rows"]


# A prediction is judged by the end of its interval: the board itself may allow what that forbids.
_HOW_JUDGED = " (a prediction must keep the limit with the upper end of its interval; --on HOST measures on the board)"


def mark_front(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with `front` set where no other row is as good in accuracy, size and latency and better in one."""
    return [{**row, "front": not any(_beats(other, row) for other in rows)} for row in rows]


def table_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Header and cells, the most accurate first."""
    header = ["candidate", "file", "accuracy", "size", "latency", "memory", "fits", "front"]
    cells = [
        [
            row["candidate"],
            row["file"],
            f"{100 * row['accuracy']:.2f} %",
            f"{row['size']:,} B",
            row["latency"],
            "" if row["memory_mb"] is None else f"{row['memory_mb']:.1f} MB",
            "yes" if row["fits"] else "",
            "yes" if row["front"] else "",
        ]
        for row in sorted(rows, key=lambda row: -row["accuracy"])
    ]
    return header, cells


def pareto_plots(rows: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """Accuracy against latency and against size, PNG by title."""
    return {
        "Accuracy and latency": pareto_plot(rows, "latency_ms", "latency, ms"),
        "Accuracy and size": pareto_plot(rows, "size", "file size, bytes"),
    }


def nearest_words(points: Sequence[MeasuredFile], unmeasured: Sequence[str] = ()) -> str:
    """Which measured file broke the budget least, and by how much; where there is none, why they were not measured."""
    if not points and not unmeasured:
        return "none was made"
    if not points:
        others = f", and {len(unmeasured) - 1} more" if len(unmeasured) > 1 else ""
        return f"no file could be measured: {unmeasured[0]}{others}"
    nearest = min(points, key=lambda point: sum(point.excess.values()))
    parts = []
    for name, share in nearest.excess.items():
        over = f"{100 * share:.2f} points under" if name == "accuracy" else f"{share:.0%} over"
        parts.append(f"{name} {over}")
    cost = nearest.cost
    return (
        f"the nearest, {nearest.plan.words} as {nearest.artifact.title} ({100 * cost.accuracy:.2f} %,"
        f" {cost.size_bytes:,} bytes, {cost.latency_words}), is outside by: {', '.join(parts) or 'a hair'}"
        + (_HOW_JUDGED if cost.predicted_ms is not None and "latency" in nearest.excess else "")
    )


def _beats(other: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    as_good = bool(
        other["accuracy"] >= row["accuracy"]
        and other["size"] <= row["size"]
        and other["latency_ms"] <= row["latency_ms"]
    )
    better = bool(
        other["accuracy"] > row["accuracy"] or other["size"] < row["size"] or other["latency_ms"] < row["latency_ms"]
    )
    return as_good and better
