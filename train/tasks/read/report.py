"""A reading network's figures and report: how much is exactly right, what is taken for what, where it is wrong."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgelens.runtime.metrics.interval import percent
from edgelens.runtime.metrics.text import alphanumeric, edits

from ...data.targets import Targets
from ...report.findings import Findings
from ...report.page import facts
from ...report.sections import cost, curves, data, settings
from .data import texts_of
from .spelled import spelled

__all__ = ["sections", "summary"]

_SHOWN = 30


def summary(found: Sequence[str], targets: Targets, alphabet: str) -> dict[str, Any]:
    """Every metric as JSON."""
    wanted = texts_of(targets, alphabet)
    pairs = list(zip(wanted, found, strict=True))
    changes = [edits(a, b) for a, b in pairs]
    return {
        "images": len(pairs),
        "accuracy": float(np.mean([a == b for a, b in pairs])),
        "accuracy_alphanumeric": float(np.mean([alphanumeric(a) == alphanumeric(b) for a, b in pairs])),
        "character_error_rate": sum(map(len, changes)) / max(sum(map(len, wanted)), 1),
        "confusions": [
            {"truth": a, "read": b, "count": count}
            for (a, b), count in Counter(pair for each in changes for pair in each).most_common(_SHOWN)
        ],
    }


def sections(found: Findings, alphabet: str) -> list[str]:
    """The figures, how it learned, what it takes for what, and what it was made from."""
    read = spelled(found.val["scores"], alphabet)
    told = summary(read, found.val_targets, alphabet)
    confused = [(row["truth"] or "nothing", row["read"] or "nothing", row["count"]) for row in told["confusions"]]
    wrong = [(a, b) for a, b in zip(texts_of(found.val_targets, alphabet), read, strict=True) if a != b][:_SHOWN]
    exact = percent(told["accuracy"], told["images"])
    rate = f"{told['character_error_rate']:.2%}"
    return [
        facts([(exact, "read exactly"), (rate, "characters wrong"), *cost(found)]),
        curves(found),
        _table("What is taken for what", ("is", "read as", "times"), confused),
        _table("Texts that are read wrong", ("is", "read as"), wrong),
        data(found),
        settings(found),
    ]


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<section><h2>{html.escape(title)}</h2><table><tr>{head}</tr>{body}</table></section>"
