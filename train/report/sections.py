"""The report's parts, each a piece of HTML made from the findings; empty where there is nothing to say."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any

import numpy as np

from ..tasks.classify.metrics import calibration_error, reliability, softmax
from .advice import Advice
from .charts import Series, line_chart
from .findings import Findings
from .matrix import matrix_chart
from .page import definitions, facts, figure, table
from .reliability import reliability_chart

__all__ = ["advice_section", "calibration", "confusion", "curves", "data", "headline", "per_class", "settings"]


def headline(found: Findings) -> str:
    """The figures that a reader looks for first."""
    m, network = found.metrics, found.run.facts.network
    items = [
        (f"{100 * m['accuracy']:.2f} %", f"accuracy, ± {100 * m['accuracy_error']:.2f}"),
        (f"{100 * m['macro']['f1']:.1f} %", "F1, mean over classes"),
    ]
    if len(found.run.classes) > 5:
        items.append((f"{100 * m['top5']:.2f} %", "right among the first five"))
    if m["auc"] is not None:
        items.append((f"{m['auc']:.4f}", "AUC-ROC, one against the rest"))
    if m["average_precision"] is not None:
        items.append((f"{m['average_precision']:.4f}", "average precision"))
    items += [
        (f"{100 * m['calibration_error']:.1f} %", "calibration error"),
        (f"{network['parameters']:,}", "weights"),
        (f"{network['macs'] / 1e6:,.1f} M", "multiply-adds"),
    ]
    return facts(items)


def advice_section(advice: list[Advice]) -> str:
    """What to try next."""
    cards = []
    for said in advice:
        actions = "".join(f"<li>{_coded(action)}</li>" for action in said.actions)
        cards.append(
            f'<div class="advice {said.level}" data-kind="{said.kind}"><h3>{escape(said.title)}</h3>'
            f"<p>{escape(said.evidence)}</p><ul>{actions}</ul></div>"
        )
    return f"<h2>What to try next</h2>{''.join(cards)}"


def curves(found: Findings) -> str:
    """Loss, accuracy, learning rate and gradient over the training; accuracy over the number of images."""
    charts = [*_over_epochs(found), _over_images(found), *_over_steps(found)]
    return f'<h2>How it learned</h2><div class="grid2">{"".join(charts)}</div>'


def confusion(found: Findings) -> str:
    """Who is taken for whom."""
    chart = matrix_chart(found.metrics["confusion"], [_text(c) for c in found.run.classes])
    note = "A row is what the pictures are, a column what was said; cells show their part of the row."
    pairs = _confusions(found)
    rows = [(escape(a), escape(b), str(n), f"{100 * share:.1f} %") for a, b, n, share in pairs]
    listed = table(("is", "said", "times", "of its images"), rows, text=(0, 1)) if rows else ""
    return f"<h2>What is taken for what</h2>{figure('Confusion matrix', chart, note)}<p></p>{listed}"


def per_class(found: Findings) -> str:
    """Every class's figures, the weakest first."""
    train = found.check.get("counts", {}).get("train", {})
    rows = []
    for entry in sorted(found.metrics["classes"], key=lambda e: (e["images"] == 0, e["f1"])):
        weak = ' class="low"' if entry["images"] and entry["f1"] < found.metrics["macro"]["f1"] - 0.1 else ""
        rows.append(
            (
                escape(_text(entry["label"])),
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
        m = found.metrics[how]
        name = "mean of the classes" if how == "macro" else "mean by images"
        shares = (_share(m["precision"]), _share(m["recall"]), _share(m["f1"]) + _bar(0))
        rows.append((f"<b>{name}</b>", "", "", *shares, "", ""))
    header = ("class", "train", "val", "precision", "recall", "F1", "AUC", "average precision")
    return f"<h2>Class by class</h2>{table(header, rows)}"


def calibration(found: Findings) -> str:
    """Whether a score of 80 % is right in 80 of 100 cases."""
    labels, logits = found.outputs.val_labels, found.outputs.val_logits
    raw = softmax(logits)
    chart = reliability_chart(reliability(labels, found.probabilities, 10), reliability(labels, raw, 10))
    before, after = calibration_error(labels, raw), found.metrics["calibration_error"]
    change = f"the calibration error goes from {100 * before:.1f} % to {100 * after:.1f} %"
    lines = [f"Logits are divided by {found.run.temperature:.3f} before they become scores: {change}."]
    threshold = found.run.unknown_threshold
    if threshold > 0:
        scores = found.probabilities.max(1)
        right = found.probabilities.argmax(1) == labels
        kept = float((scores[right] >= threshold).mean()) if right.any() else 0.0
        passed = float((scores[~right] >= threshold).mean()) if (~right).any() else 0.0
        lines.append(
            f"Below {threshold:.3f} the answer is “unknown”: {100 * kept:.1f} % of the right answers stay, and"
            f" {100 * passed:.1f} % of the wrong ones."
        )
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<h2>What scores mean</h2><div class="grid2">{figure("Calibration", chart)}<div>{text}</div></div>'


def data(found: Findings) -> str:
    """What the check before training found."""
    found_by = found.check
    if not found_by:
        return ""
    counts = found_by["counts"]
    splits = [name for name in ("train", "val", "test") if name in counts]
    most = max((max(counts[s].values(), default=0) for s in splits), default=1) or 1
    rows = []
    for label in found.run.classes:
        cells = [f"{counts[s].get(label, 0):,}" for s in splits]
        width = 80 * counts.get("train", {}).get(label, 0) / most
        rows.append((escape(_text(label)), *cells, f'<span class="bar" style="width:{width:.0f}px"></span>'))
    rows.append(("<b>all</b>", *(f"<b>{sum(counts[s].values()):,}</b>" for s in splits), ""))
    lists = "".join(_listed(title, entries) for title, entries in _issues(found_by))
    clean = "" if lists else '<p class="dimmed">No unreadable, doubled, tiny, odd or blank pictures.</p>'
    return f"<h2>The data</h2>{lists}{clean}<p></p>{table(('class', *splits, ''), rows, text=(0, len(splits) + 1))}"


def settings(found: Findings) -> str:
    """How to get this run again."""
    config = found.run.config.as_json()
    options = config.pop("options", {})
    changed = {**config, **{f"model {k}": v for k, v in options.items()}}
    changed["first weights"] = found.run.facts.started or "random"
    environment, source = found.run.facts.environment, found.run.facts.data
    return (
        "<h2>How it was made</h2>"
        f"<details><summary>Settings</summary>{definitions(changed)}</details>"
        f"<details><summary>Machine and versions</summary>{definitions(environment)}</details>"
        f"<details><summary>Data source</summary>{definitions(source)}</details>"
    )


def _over_epochs(found: Findings) -> list[str]:
    epochs = [row["epoch"] for row in found.history]
    best = float((found.run.facts.metrics or {}).get("best_epoch", -1))
    mark = (best, "best") if len(epochs) > 1 else None

    def series(name: str, column: str, colour: int) -> Series:
        return Series(name, epochs, [row.get(column, math.nan) for row in found.history], colour)

    losses = [series("training (augmented)", "train_loss", 0), series("validation", "val_loss", 1)]
    loss = line_chart(losses, x_label="epoch", y_label="loss", log_y=True, mark=mark)
    scores = [series("validation", "val_accuracy", 1)]
    accuracy = line_chart(scores, x_label="epoch", y_label="accuracy", percent=True, mark=mark)
    return [figure("Loss", loss), figure("Accuracy on the validation images", accuracy)]


def _over_images(found: Findings) -> str:
    if len(found.curve) < 2:
        return ""
    points = Series("validation", [p.images for p in found.curve], [p.accuracy for p in found.curve], 1)
    chart = line_chart([points], x_label="training images", y_label="accuracy", percent=True, log_x=True)
    note = "The same training on parts of the images: a rising end asks for more."
    return figure("Learning curve", chart, note)


def _over_steps(found: Findings) -> list[str]:
    at = [row["step"] for row in found.steps]
    rates = Series("rate", at, [row["rate"] for row in found.steps], 2)
    norms = Series("norm", at, [row["gradient_norm"] for row in found.steps], 3)
    return [
        figure("Learning rate", line_chart([rates], x_label="step", y_label="learning rate")),
        figure("Size of the gradient", line_chart([norms], x_label="step", y_label="gradient norm", log_y=True)),
    ]


def _confusions(found: Findings, count: int = 10) -> list[tuple[str, str, int, float]]:
    matrix = np.array(found.metrics["confusion"])
    totals = np.maximum(matrix.sum(1), 1)
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:count]
    pairs = [divmod(int(i), len(matrix)) for i in order]
    names = [_text(c) for c in found.run.classes]
    return [(names[a], names[b], int(off[a, b]), float(off[a, b] / totals[a])) for a, b in pairs if off[a, b]]


def _issues(check: dict[str, Any]) -> list[tuple[str, list[str]]]:
    def pair(entry: dict[str, Any]) -> str:
        parts = zip(entry["names"], entry["splits"], entry["labels"], strict=True)
        return " = ".join(f"{name} ({split}, {label})" for name, split, label in parts)

    doubles = [*check["exact"], *check["near"]]
    leaks = [entry for entry in doubles if entry["splits"][0] != entry["splits"][1]]
    return [
        ("pictures in two splits", [pair(e) for e in leaks]),
        (
            "identical pictures with different labels",
            [pair(e) for e in check["exact"] if e["labels"][0] != e["labels"][1]],
        ),
        ("identical pictures", [pair(e) for e in check["exact"]]),
        ("nearly identical pictures", [pair(e) for e in check["near"]]),
        ("unreadable files", list(check["unreadable"])),
        ("files that are no images", [f"{check['passed_over']:,} were passed over"] if check["passed_over"] else []),
        ("much smaller than the network looks at", list(check["tiny"])),
        ("of unusual shape or size", list(check["odd"])),
        ("all of one colour", list(check["blank"])),
        ("classes with a single image", list(check["once"])),
        ("with names that are no UTF-8", list(check.get("illegible", ()))),
        ("class names that differ in case or spaces only", [f"{a} and {b}" for a, b in check["alike"]]),
    ]


def _listed(title: str, entries: list[str], shown: int = 20) -> str:
    if not entries:
        return ""
    items = "".join(f"<li>{escape(_text(entry))}</li>" for entry in entries[:shown])
    rest = f"<li>… and {len(entries) - shown:,} more</li>" if len(entries) > shown else ""
    return f"<details><summary>{len(entries):,} × {escape(title)}</summary><ul>{items}{rest}</ul></details>"


def _coded(action: str) -> str:
    """What stands between backticks as something to type."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(action))


def _bar(share: float) -> str:
    """A bar on a track, so that the numbers before it stand in line."""
    return f'<span class="track"><span class="bar" style="width:{60 * share:.0f}px"></span></span>'


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
