"""The report's parts that a detector has, each a piece of HTML; empty where there is nothing to say."""

from __future__ import annotations

from html import escape

import numpy as np

from ...report.charts import Series, line_chart
from ...report.matrix import matrix_chart
from ...report.page import facts, figure, table
from ...report.sections import cost, legible
from .seen import Seen

__all__ = ["confusion", "headline", "per_class", "precision_and_recall"]

_COLOURS = 6
_POINTS = 200  # of a curve


def headline(said: Seen) -> str:
    """The figures that a reader looks for first."""
    m = said.metrics
    items = [
        (_share(m["map50"]), "mAP50: boxes that overlap by half"),
        (_share(m["map50_95"]), "mAP50-95: and by more, as COCO counts"),
        (_share(_mean([entry["f1"] for entry in m["classes"] if entry["boxes"]])), "F1 at the thresholds, mean"),
        *((_share(value), f"mAP50-95 of {area} things") for area, value in m["by_size"].items() if value is not None),
        *cost(said.found),
    ]
    pixels = said.found.pixels
    note = (
        f"Of {m['boxes']:,} boxes in {m['images']:,} {said.found.judging} images: {said.found.basis}. Small things are"
        f" below 32 × 32 pixels of the network's picture ({pixels.width} × {pixels.height}), large ones above 96 × 96."
    )
    return facts(items) + f'<p class="dimmed">{escape(note)}</p>'


def precision_and_recall(said: Seen) -> str:
    """How many of the found boxes are right over how many of the true ones are found, and F1 over the threshold."""
    by_recall, by_score = [], []
    for c, (name, curve) in enumerate(zip(said.classes, said.curves, strict=True)):
        if not len(curve.scores) or not curve.wanted:
            continue
        at = np.unique(np.linspace(0, len(curve.scores) - 1, _POINTS).astype(int))
        colour, shown = c % _COLOURS, legible(name)
        best = np.maximum.accumulate(curve.precision[::-1])[::-1]
        by_recall.append(Series(shown, curve.recall[at].tolist(), best[at].tolist(), colour))
        by_score.append(Series(shown, curve.scores[at].tolist(), curve.f1[at].tolist(), colour))
    first = line_chart(by_recall[:_COLOURS], x_label="found of all there are", y_label="right", percent=True)
    second = line_chart(by_score[:_COLOURS], x_label="threshold", y_label="F1", percent=True)
    note = "" if len(by_recall) <= _COLOURS else f"The first {_COLOURS} of {len(by_recall)} classes."
    parts = figure("Precision over recall", first, note) + figure("F1 over the threshold", second, note)
    return f'<h2>What it finds, and what it makes up</h2><div class="grid2">{parts}</div>' if parts else ""


def confusion(said: Seen) -> str:
    """What is taken for what, nothing among it."""
    names = [*(legible(name) for name in said.classes), "nothing"]
    chart = matrix_chart(said.confusion().tolist(), names)
    note = (
        "At the thresholds. A row is what is there, a column what was found there: the last column are things that were"
        " missed, the last row boxes around nothing."
    )
    return f"<h2>What is taken for what</h2>{figure('Confusion, with background', chart, note)}"


def per_class(said: Seen) -> str:
    """Every class's figures, the weakest first."""
    train = said.found.check.get("counts", {}).get("train", {})
    entries = said.metrics["classes"]
    rows = [
        (
            escape(legible(entry["label"])),
            f"{train.get(entry['label'], 0):,}" if train else "",
            f"{entry['boxes']:,}",
            _share(entry["map50"]),
            _share(entry["map50_95"]),
            f"{entry['threshold']:.2f}",
            _share(entry["precision"]),
            _share(entry["recall"] if entry["boxes"] else None),
            _share(entry["f1"] if entry["boxes"] else None),
        )
        for entry in sorted(entries, key=lambda e: (e["boxes"] == 0, e["map50_95"] or 0.0))
    ]
    header = ("class", "train", "val", "mAP50", "mAP50-95", "threshold", "precision", "recall", "F1")
    return f"<h2>Class by class</h2>{table(header, rows)}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
