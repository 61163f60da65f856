"""The report's parts that a classifier has, each a piece of HTML; empty where there is nothing to say."""

from __future__ import annotations

from html import escape

import numpy as np

from edgelens.runtime.decode.classify import softmax
from edgelens.runtime.metrics.interval import interval, percent

from ...report.matrix import matrix_chart
from ...report.page import facts, figure, table
from ...report.sections import cost, legible
from .answers import Answers
from .metrics import calibration_error, reliability
from .reliability import reliability_chart

__all__ = ["calibration", "confusion", "headline", "per_class"]


def headline(said: Answers) -> str:
    """The figures that a reader looks for first."""
    m = said.metrics
    items = [
        (f"{100 * m['accuracy']:.1f} %", f"accuracy, on other pictures {interval(m['accuracy'], m['images'])}"),
        (f"{100 * m['macro']['f1']:.1f} %", "F1, mean over classes"),
    ]
    if len(said.classes) > 5:
        items.append((f"{100 * m['top5']:.2f} %", "right among the first five"))
    if m["auc"] is not None:
        items.append((f"{m['auc']:.4f}", "AUC-ROC, one against the rest"))
    if m["average_precision"] is not None:
        items.append((f"{m['average_precision']:.4f}", "average precision"))
    items += [
        (f"{100 * m['calibration_error']:.1f} %", "calibration error"),
        *cost(said.found),
    ]
    note = f"Of {len(said.labels):,} {said.found.judging} images: {said.found.basis}. Intervals hold 95 times in 100."
    return facts(items) + f'<p class="dimmed">{escape(note)}</p>'


def confusion(said: Answers) -> str:
    """Who is taken for whom."""
    chart = matrix_chart(said.metrics["confusion"], [legible(c) for c in said.classes])
    note = "A row is what the pictures are, a column what was said; cells show their part of the row."
    pairs = _confusions(said)
    rows = [(escape(a), escape(b), str(n), f"{100 * share:.1f} %") for a, b, n, share in pairs]
    listed = table(("is", "said", "times", "of its images"), rows, text=(0, 1)) if rows else ""
    return f"<h2>What is taken for what</h2>{figure('Confusion matrix', chart, note)}<p></p>{listed}"


def per_class(said: Answers) -> str:
    """Every class's figures, the weakest first."""
    train = said.found.check.get("counts", {}).get("train", {})
    rows = []
    for entry in sorted(said.metrics["classes"], key=lambda e: (e["images"] == 0, e["f1"])):
        weak = ' class="low"' if entry["images"] and entry["f1"] < said.metrics["macro"]["f1"] - 0.1 else ""
        rows.append(
            (
                escape(legible(entry["label"])),
                f"{train.get(entry['label'], 0):,}" if train else "",
                f"{entry['images']:,}",
                _share(entry["precision"]),
                _share(entry["recall"]),
                f"<span{weak}>{_share(entry['f1'])}</span>{_bar(entry['f1'])}",
                "" if entry["auc"] is None else f"{entry['auc']:.4f}",
                "" if entry["average_precision"] is None else f"{entry['average_precision']:.4f}",
            )
        )
    for how in ("macro", "weighted"):
        m = said.metrics[how]
        name = "mean of the classes" if how == "macro" else "mean by images"
        shares = (_share(m["precision"]), _share(m["recall"]), _share(m["f1"]) + _bar(0))
        rows.append((f"<b>{name}</b>", "", "", *shares, "", ""))
    header = ("class", "train", "val", "precision", "recall", "F1", "AUC", "average precision")
    return f"<h2>Class by class</h2>{table(header, rows)}"


def calibration(said: Answers) -> str:
    """Whether a score of 80 % is right in 80 of 100 cases."""
    labels, logits = said.labels, said.logits
    raw = softmax(logits)
    chart = reliability_chart(reliability(labels, said.probabilities, 10), reliability(labels, raw, 10))
    before, after = calibration_error(labels, raw), said.metrics["calibration_error"]
    change = f"the calibration error goes from {100 * before:.1f} % to {100 * after:.1f} %"
    temperature = said.found.decode.options["temperature"]
    lines = [f"Logits are divided by {temperature:.3f} before they become scores: {change}."]
    threshold = said.found.decode.threshold
    if threshold > 0:
        scores = said.probabilities.max(1)
        right = said.probabilities.argmax(1) == labels
        kept = float((scores[right] >= threshold).mean()) if right.any() else 0.0
        passed = float((scores[~right] >= threshold).mean()) if (~right).any() else 0.0
        lines.append(
            f"Below {threshold:.3f} the answer is “unknown”: {percent(kept, int(right.sum()))} of the right answers"
            f" stay, and {percent(passed, int((~right).sum()))} of the wrong ones."
        )
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<h2>What scores mean</h2><div class="grid2">{figure("Calibration", chart)}<div>{text}</div></div>'


def _confusions(said: Answers, count: int = 10) -> list[tuple[str, str, int, float]]:
    matrix = np.array(said.metrics["confusion"])
    totals = np.maximum(matrix.sum(1), 1)
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:count]
    pairs = [divmod(int(i), len(matrix)) for i in order]
    names = [legible(c) for c in said.classes]
    return [(names[a], names[b], int(off[a, b]), float(off[a, b] / totals[a])) for a, b in pairs if off[a, b]]


def _bar(share: float) -> str:
    """A bar on a track, so that the numbers before it stand in line."""
    return f'<span class="track"><span class="bar" style="width:{60 * share:.0f}px"></span></span>'


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
