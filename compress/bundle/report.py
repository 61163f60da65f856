"""`report.html`: one self-contained page with the card's table, what 8 bits cost each layer, and the budget search."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ..proof.parity import Parity, finite_db
from .card import Card, share_of

__all__ = ["REPORT_BEGINS", "bar_plot", "pareto_plot", "report_html"]

REPORT_BEGINS = b"<!doctype html>\n<html lang=en>"  # by which a file is known that the next report may replace
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}
td{white-space:nowrap}td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}img{max-width:100%}code{background:#f3f3f3;padding:.1rem .3rem}
.note{color:#555}"""


def report_html(
    card: Card,
    parity: Parity,
    plots: Mapping[str, bytes] | None = None,
    tables: Mapping[str, tuple[list[str], list[list[str]]]] | None = None,
) -> str:
    """The whole report as one page without outside references."""
    header, rows = card.columns()
    parts = [
        f"<h1>{html.escape(card.name)}</h1>",
        f"<p>{html.escape(card.what)}.</p>",
        f"<p class=note>{html.escape(card.said_of_score)}.</p>",
        f"<p class=note>{html.escape(card.said_of_latency)}</p>",
        _table(header, rows),
        _list(card.notes),
    ]
    parts += _quantization(card)
    parts += _sensitivity(card)
    parts += _left_float(card)
    parts += _parity(parity, card)
    for title, (columns, cells) in (tables or {}).items():
        parts += [f"<h2>{html.escape(title)}</h2>", _table(columns, cells)]
    for title, png in (plots or {}).items():
        parts += [f"<h2>{html.escape(title)}</h2>", _image(png)]
    if card.command:
        parts.append(f"<p>Made with <code>{html.escape(card.command)}</code></p>")
    body = "\n".join(parts)
    return (
        f"{REPORT_BEGINS.decode()}<meta charset=utf-8><title>{html.escape(card.name)}</title>\n"
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def bar_plot(names: Sequence[str], values: Sequence[float], label: str) -> bytes:
    """Horizontal bars, the first on top, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, max(1.6, 0.24 * len(names) + 0.8)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(names)), values, color="#3b6ea5")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    return _png(figure)


def pareto_plot(rows: Sequence[Mapping[str, Any]], x: str, label: str) -> bytes:
    """Accuracy against one cost, the front joined, as PNG; rows have `accuracy`, the cost and `front`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.scatter([r[x] for r in rows], [100 * r["accuracy"] for r in rows], color="#bbb", label="tried")
    front = sorted((r for r in rows if r.get("front")), key=lambda r: r[x])
    axes.plot([r[x] for r in front], [100 * r["accuracy"] for r in front], "o-", color="#c0392b", label="Pareto front")
    axes.set_xlabel(label)
    axes.set_ylabel("accuracy, %")
    axes.legend()
    return _png(figure)


def _quantization(card: Card) -> list[str]:
    choice = card.extra.get("quantization")
    if not choice:
        return []
    rows = [[name, f"{db:.2f} dB"] for name, db in choice["tried_db"].items()]
    taken = html.escape(" + ".join(choice["taken"]))
    return ["<h2>How it was quantized</h2>", f"<p>Taken: {taken}.</p>", _table(["tried", "SNR of the answers"], rows)]


def _sensitivity(card: Card) -> list[str]:
    rows = card.extra.get("sensitivity")
    if not rows:
        return []
    shown = rows[:40]
    plot = bar_plot([r["layer"] for r in shown], [r["snr_db"] for r in shown], "SNR of the answer, dB (less is worse)")
    cells = [[r["layer"], f"{r['snr_db']:.1f} dB", f"{100 * r['agreement']:.2f} %"] for r in rows]
    return [
        "<h2>What 8 bits cost each layer alone</h2>",
        _image(plot),
        _table(["layer", "SNR", "agreement"], cells),
    ]


def _left_float(card: Card) -> list[str]:
    left = card.extra.get("left_float")
    if not left:
        return []
    return ["<h2>Operators left in float</h2>", _table(["operator", "why"], [[k, v] for k, v in left.items()])]


def _parity(parity: Parity, card: Card) -> list[str]:
    rows = [
        [
            row.title,
            f"{finite_db(row.snr_db):.1f} dB",
            share_of(row.agreement, card.images),
            f"{row.max_difference:.2g}",
            share_of(row.accuracy, card.images),
            row.parts_at,
        ]
        for row in parity.files
    ]
    header = ["file", "SNR", "agreement", "largest difference", card.score, "first far off at"]
    return [f"<h2>Parity with the float torch network on {parity.images:,} images</h2>", _table(header, rows)]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _list(notes: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in notes) + "</ul>" if notes else ""


def _image(png: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _png(figure: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
