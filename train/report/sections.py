"""The report's parts that every task has, each a piece of HTML; empty where there is nothing to say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from .advice import Advice
from .charts import Series, line_chart
from .findings import Findings
from .page import definitions, figure, table

__all__ = ["advice_section", "cost", "curves", "data", "legible", "settings"]


def cost(found: Findings) -> list[tuple[str, str]]:
    """What the network costs, for the cards of the headline."""
    return [
        (_millions(found.network["parameters"]), "weights"),
        (_millions(found.network["macs"]), "multiply-adds"),
    ]


def _millions(count: int) -> str:
    """A count as short as a card is wide."""
    return f"{count:,}" if count < 1e6 else f"{count / 1e6:,.{2 if count < 1e7 else 1}f} M"


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
    """Loss, score, rate and gradient over the training, the score over the images' number; nothing of a head alone."""
    charts = [chart for chart in (*_over_epochs(found), _over_images(found), *_over_steps(found)) if chart]
    return f'<h2>How it learned</h2><div class="grid2">{"".join(charts)}</div>' if charts else ""


def data(found: Findings) -> str:
    """What the check before training found."""
    found_by = found.check
    if not found_by:
        return ""
    counts = found_by["counts"]
    splits = [name for name in ("train", "val", "test") if name in counts]
    most = max((max(counts[s].values(), default=0) for s in splits), default=1) or 1
    rows = []
    for label in found.classes:
        cells = [f"{counts[s].get(label, 0):,}" for s in splits]
        width = 80 * counts.get("train", {}).get(label, 0) / most
        rows.append((escape(legible(label)), *cells, f'<span class="bar" style="width:{width:.0f}px"></span>'))
    rows.append(("<b>all</b>", *(f"<b>{sum(counts[s].values()):,}</b>" for s in splits), ""))
    lists = "".join(_listed(title, entries) for title, entries in _issues(found_by))
    clean = "" if lists else '<p class="dimmed">No unreadable, doubled, tiny, odd or blank pictures.</p>'
    return f"<h2>The data</h2>{lists}{clean}<p></p>{table(('class', *splits, ''), rows, text=(0, len(splits) + 1))}"


def settings(found: Findings) -> str:
    """How to get this run again."""
    config = found.config.as_json()
    options = config.pop("options", {})
    changed = {**config, **{f"model {k}": v for k, v in options.items()}}
    changed["first weights"] = found.started or "random"
    environment, source = found.environment, found.source
    return (
        "<h2>How it was made</h2>"
        f"<details><summary>Settings</summary>{definitions(changed)}</details>"
        f"<details><summary>Machine and versions</summary>{definitions(environment)}</details>"
        f"<details><summary>Data source</summary>{definitions(source)}</details>"
    )


def legible(name: str) -> str:
    """A path or name that can be written as UTF-8, whatever bytes it was made of."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _over_epochs(found: Findings) -> list[str]:
    epochs = [row["epoch"] for row in found.history]
    mark = (float(found.best_epoch), "best") if len(epochs) > 1 else None

    def series(name: str, column: str, colour: int) -> Series:
        return Series(name, epochs, [row.get(column, math.nan) for row in found.history], colour)

    losses = [series("training (augmented)", "train_loss", 0), series("validation", "val_loss", 1)]
    loss = line_chart(losses, x_label="epoch", y_label="loss", log_y=True, mark=mark)
    name, share = found.score.title, found.score.share
    scores = [series("validation", f"val_{found.score.name}", 1)]
    chart = line_chart(scores, x_label="epoch", y_label=name, percent=share, mark=mark)
    return [figure("Loss", loss), figure(f"{found.score.heading} on the validation images", chart)]


def _over_images(found: Findings) -> str:
    if len(found.curve) < 2:
        return ""
    name, share = found.score.title, found.score.share
    points = Series("validation", [p.images for p in found.curve], [p.score for p in found.curve], 1)
    chart = line_chart([points], x_label="training images", y_label=name, percent=share, log_x=True)
    note = (
        f"The same training on parts of the images: a {'rising' if found.score.more else 'falling'} end asks for more."
    )
    return figure("Learning curve", chart, note)


def _over_steps(found: Findings) -> list[str]:
    at = [row["step"] for row in found.steps]
    rates = Series("rate", at, [row["rate"] for row in found.steps], 2)
    norms = Series("norm", at, [row["gradient_norm"] for row in found.steps], 3)
    return [
        figure("Learning rate", line_chart([rates], x_label="step", y_label="learning rate")),
        figure("Size of the gradient", line_chart([norms], x_label="step", y_label="gradient norm", log_y=True)),
    ]


def _issues(check: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    def pair(entry: dict[str, Any]) -> str:
        parts = zip(entry["names"], entry["splits"], entry["labels"], strict=True)
        return " = ".join(f"{name} ({split}, {label})" for name, split, label in parts)

    doubles = [*check["exact"], *check["near"]]
    leaks = [entry for entry in doubles if entry["splits"][0] != entry["splits"][1]]
    labelled = doubles if check.get("things", "images") == "images" else check["exact"]
    return [
        ("pictures in two splits", [pair(e) for e in leaks]),
        (
            "identical or nearly identical pictures with different labels",
            [pair(e) for e in labelled if e["labels"][0] != e["labels"][1]],
        ),
        ("identical pictures", [pair(e) for e in check["exact"]]),
        ("nearly identical pictures", [pair(e) for e in check["near"]]),
        ("unreadable files", list(check["unreadable"])),
        ("files that are no images", [f"{check['passed_over']:,} were passed over"] if check["passed_over"] else []),
        ("much smaller than the network looks at", list(check["tiny"])),
        ("of unusual shape or size", list(check["odd"])),
        ("all of one colour", list(check["blank"])),
        ("classes with a single image", list(check["once"])),
        ("classes that nothing teaches", list(check.get("elsewhere", ()))),
        ("classes that nothing validates", list(check.get("unjudged", ()))),
        ("remarks on files and boxes", list(check.get("notes", ()))),
        ("with names that are no UTF-8", list(check.get("illegible", ()))),
        ("class names that differ in case or spaces only", [f"{a} and {b}" for a, b in check["alike"]]),
    ]


def _listed(title: str, entries: list[str], shown: int = 20) -> str:
    if not entries:
        return ""
    items = "".join(f"<li>{escape(legible(entry))}</li>" for entry in entries[:shown])
    rest = f"<li>… and {len(entries) - shown:,} more</li>" if len(entries) > shown else ""
    return f"<details><summary>{len(entries):,} × {escape(title)}</summary><ul>{items}{rest}</ul></details>"


def _coded(action: str) -> str:
    """What stands between backticks as something to type."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(action))
