"""One self-contained HTML file: nothing in it points anywhere else."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .style import STYLE

__all__ = ["definitions", "facts", "figure", "page", "table"]


def page(title: str, subtitle: str, sections: Iterable[str]) -> str:
    """The whole page around its sections."""
    body = "\n".join(section for section in sections if section)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        f'<h1>{escape(title)}</h1><p class="sub">{escape(subtitle)}</p>\n{body}\n</body></html>\n'
    )


def facts(items: Iterable[tuple[str, str]]) -> str:
    """The figures that matter most, (value, what it is) each on a card."""
    cards = "".join(
        f'<div class="fact"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in items
    )
    return f'<div class="facts">{cards}</div>'


def figure(title: str, chart: str, note: str = "") -> str:
    """A chart under its title, a sentence below; nothing where there is no chart."""
    if not chart:
        return ""
    below = f"<p>{escape(note)}</p>" if note else ""
    return f"<figure><figcaption>{escape(title)}</figcaption>{chart}{below}</figure>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, text: Sequence[int] = (0,)) -> str:
    """A table of cells that are HTML already, `text` columns to the left; it scrolls by itself where it is too wide."""

    def row(cells: Iterable[str], tag: str) -> str:
        sides = (' class="text"' if i in text else "" for i in itertools.count())
        return "<tr>" + "".join(f"<{tag}{side}>{c}</{tag}>" for c, side in zip(cells, sides, strict=False)) + "</tr>"

    head = row(map(escape, header), "th")
    body = "".join(row(cells, "td") for cells in rows)
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def definitions(values: Mapping[str, Any]) -> str:
    """Names and values as a list."""
    return (
        "<dl>"
        + "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(_plain(value))}</dd>" for name, value in values.items())
        + "</dl>"
    )


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(entry)}" for name, entry in value.items() if entry is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_plain(entry) for entry in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return "not set" if value is None else str(value)
