"""A report as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .axes import written
from .svg import Series, bars, boxes, lines
from .table import (
    HEADER,
    case_rows,
    end_to_end_rows,
    model_words,
    operator_rows,
    operator_words,
    pair_lines,
    warnings,
)

__all__ = ["page"]

_STYLE = """body{font:15px/1.5 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1a202c}
table{border-collapse:collapse;font-size:13px}
td,th{padding:.2em .7em;border-bottom:1px solid #e2e8f0;text-align:left;white-space:nowrap}
.warning{background:#fffaf0;border-left:4px solid #c05621;padding:.4em 1em}"""


def page(report: Mapping[str, Any]) -> str:
    """The whole page: device, warnings, table, distributions, threads, engines, heat, operators."""
    device, cases = report["device"], report["cases"]
    measured = [row for row in cases if "error" not in row]
    parts = [
        f"<h1>edgelens bench: {escape(', '.join(dict.fromkeys(row['model'] for row in cases)))}</h1>",
        _measured_on(report),
        *(f'<p class="warning">{escape(line)}</p>' for line in warnings(report)),
        _table(HEADER, case_rows(cases)),
        *(f"<p>{escape(line)}</p>" for line in pair_lines(report["pairs"])),
        "<h2>Distribution of latency</h2>",
        "<p>One inference, milliseconds on a logarithmic scale: 95 % of the runs, the middle half, the median.</p>",
        boxes([(row["name"], row["steady"]["quantiles"]) for row in measured], "ms"),
        *_engines(measured),
        *_threads(measured),
        *_whole_way(cases),
        *_heat(report),
        *_operators(measured),
    ]
    title = escape(f"edgelens bench, {device['model']}")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"{head}<body>{''.join(parts)}</body></html>\n"


def _measured_on(report: Mapping[str, Any]) -> str:
    device = report["device"]
    governor = f"governor {device['governor'] or 'not told'}"
    names = dict.fromkeys((device["model"], device["cpu"]))  # a PC's model is its processor's name
    facts = (*names, f"{device['cores']} cores", device["system"], governor)
    kit = f"edgelens {report['kit']}, {report['when'].replace('T', ' ').replace('+00:00', ' UTC')}"
    return f"<p>{escape(', '.join(map(str, facts)))}; {escape(kit)}</p>"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _engines(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [(r["name"], r["steady"]["p50"], r["engine"]) for r in measured if r["threads"] == 1]
    return ["<h2>Engines and precisions, one thread</h2>", bars(rows, "ms")] if len(rows) > 1 else []


def _threads(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    by_model: dict[str, list[tuple[float, float]]] = {}
    for row in measured:
        name = f"{model_words(row)} {row['engine']} {row['precision']}"
        by_model.setdefault(name, []).append((row["threads"], row["steady"]["throughput"]))
    series = [Series(name, sorted(points)) for name, points in by_model.items() if len(points) > 1]
    return ["<h2>Threads</h2>", lines(series, "threads", "inferences a second", whole=True)] if series else []


def _whole_way(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = end_to_end_rows(cases)
    return ["<h2>From frame to result</h2>", _table(("", "P50 MS", "P95", "P99", "STAGES"), rows)] if rows else []


def _heat(report: Mapping[str, Any]) -> list[str]:
    """Plots of what the board told, and what it does not tell."""
    parts = []
    for key, name in (("temperature_c", "°C"), ("clock_mhz", "MHz"), ("power_w", "W")):
        points = [(look["at_s"], look[key]) for look in report["heat"] if look[key] is not None]
        values = [value for _, value in points]
        if points and max(values) == min(values):
            parts.append(f"<p>{written(values[0])} {name} throughout.</p>")
        elif len(points) > 1:
            parts.append(lines([Series("", points)], "seconds", name, height=200, from_zero=False))
    missing = report["device"]["missing_sensors"]
    if missing:
        parts.append(f"<p>This machine does not tell: {escape(', '.join(missing))}.</p>")
    hot = any(look["temperature_c"] is not None for look in report["heat"])
    title = "Heat, clock and power" if hot else "The board meanwhile"
    return [f"<h2>{title}</h2>", *parts] if parts else []


def _operators(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    parts = []
    for row in measured:
        if rows := operator_rows(row, 40):
            parts.append(f"<h2>Operators: {escape(row['name'])}</h2>")
            parts.append(_table(("NAME", "KIND", "MS", "SHARE"), rows))
            parts.append(f"<p>{escape(operator_words(row))}</p>")
    return parts
