"""A reading network's report: how much is exactly right, what to try next, what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edgelens.runtime.metrics.interval import percent

from ...report.findings import Findings
from ...report.page import facts, table
from ...report.sections import advice_section, cost, curves, data, settings
from .advice import advise
from .answers import answers_of, in_words

__all__ = ["sections"]

_SHOWN = 30


def sections(found: Findings, alphabet: str) -> list[str]:
    """The figures, what to try, how it learned, what it takes for what, and what it was made from."""
    said = answers_of(found, alphabet)
    told = said.metrics
    confused = [(in_words(row["truth"]), in_words(row["read"]), f"{row['count']:,}") for row in told["confusions"]]
    wrong = [(in_words(each.truth), in_words(each.read)) for each in said.wrong[:_SHOWN]]
    exact = percent(told["accuracy"], told["images"])
    rate = f"{100 * told['character_error_rate']:.2f} %"
    return [
        facts([(exact, "read exactly"), (rate, "characters wrong"), *cost(found)]),
        advice_section(advise(said)),
        curves(found),
        _table("What is taken for what", ("is", "read as", "times"), confused),
        _table("Texts that are read wrong, the surest first", ("is", "read as"), wrong),
        data(found),
        settings(found),
    ]


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = [tuple(map(escape, row)) for row in rows]
    return f"<section><h2>{escape(title)}</h2>{table(header, cells, text=(0, 1))}</section>"
