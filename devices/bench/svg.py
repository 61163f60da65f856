"""Plain plots as SVG text: bars, lines and distributions, without any plotting package."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from .axes import log_ticks, ticks, written

__all__ = ["Series", "bars", "boxes", "lines"]

_PLOT, _ROW, _RIGHT = 440, 26, 90  # widths of a plot and of what stands right of it; the height of a row
_LETTER = 6.7  # of 12 pixel sans-serif, on the wide side: a label must never be cut
_COLORS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#4a5568")
_GRID, _INK = "#e2e8f0", "#718096"


@dataclass(frozen=True)
class Series:
    """A named line of points."""

    name: str
    points: Sequence[tuple[float, float]]


def bars(rows: Sequence[tuple[str, float, str]], unit: str) -> str:
    """Horizontal bars from zero: name, value, group; one colour a group."""
    left = _label_width([name for name, _, _ in rows])
    marks = ticks(0.0, max((value for _, value, _ in rows), default=1.0))
    groups = sorted({group for _, _, group in rows})
    parts = _grid(marks, lambda value: left + _PLOT * value / marks[-1], len(rows), unit)
    for i, (name, value, group) in enumerate(rows):
        y, length = i * _ROW + 4, _PLOT * value / marks[-1]
        color = _COLORS[groups.index(group) % len(_COLORS)]
        parts.append(_text(left - 8, y + 13, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="16" fill="{color}"/>')
        parts.append(_text(left + length + 6, y + 13, f"{written(value)} {unit}"))
    return _svg(left + _PLOT + _RIGHT, len(rows) * _ROW + 28, parts)


def boxes(rows: Sequence[tuple[str, Sequence[float]]], unit: str) -> str:
    """Distributions from quantiles 0, 2.5 … 100 %: line 2.5 to 97.5, box 25 to 75, tick at the median; log scale."""
    left = _label_width([name for name, _ in rows])
    low = max(min((q[1] for _, q in rows), default=0.1), 1e-6) / 1.1
    high = max((q[-2] for _, q in rows), default=1.0) * 1.1

    def x(value: float) -> float:
        return left + _PLOT * math.log(max(value, low) / low) / math.log(high / low)

    parts = _grid(log_ticks(low, high), x, len(rows), unit)
    for i, (name, q) in enumerate(rows):
        y, color = i * _ROW + 12, _COLORS[i % len(_COLORS)]
        parts.append(_text(left - 8, y + 4, name, "end"))
        parts.append(f'<line x1="{x(q[1]):.1f}" x2="{x(q[-2]):.1f}" y1="{y}" y2="{y}" stroke="{color}"/>')
        width = max(x(q[30]) - x(q[10]), 1.0)
        parts.append(f'<rect x="{x(q[10]):.1f}" y="{y - 6}" width="{width:.1f}" height="12" fill="{color}"/>')
        parts.append(f'<line x1="{x(q[20]):.1f}" x2="{x(q[20]):.1f}" y1="{y - 8}" y2="{y + 8}" stroke="#000"/>')
        parts.append(_text(max(x(q[-2]), x(q[20])) + 6, y + 4, f"{written(q[20])} {unit}"))
    return _svg(left + _PLOT + _RIGHT, len(rows) * _ROW + 28, parts)


def lines(
    series: Sequence[Series],
    x_name: str,
    y_name: str,
    *,
    height: int = 260,
    from_zero: bool = True,
    whole: bool = False,
) -> str:
    """Lines over one pair of axes with round numbers, their names at the right; `whole` marks only the values of x."""
    points = [point for each in series for point in each.points]
    if not points:
        return "<p>nothing was measured</p>"
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    y_marks = ticks(0.0 if from_zero else min(ys), max(ys), 5)
    x_marks = sorted(set(xs)) if whole else ticks(min(xs), max(xs))
    left, bottom = _label_width([written(mark) for mark in y_marks]) + 4, height - 42
    span = (x_marks[-1] - x_marks[0]) or 1.0

    def x(value: float) -> float:
        return left + (_PLOT * (value - x_marks[0]) / span if len(x_marks) > 1 else _PLOT / 2)

    def y(value: float) -> float:
        return bottom - (bottom - 28) * (value - y_marks[0]) / (y_marks[-1] - y_marks[0])

    parts = [_text(left, 14, y_name)]
    for mark in y_marks:
        parts.append(f'<path d="M{left},{y(mark):.1f} H{left + _PLOT}" stroke="{_GRID}"/>')
        parts.append(_text(left - 6, y(mark) + 4, written(mark), "end"))
    parts += [_text(x(mark), bottom + 16, written(mark), "middle") for mark in x_marks]
    parts.append(_text(left + _PLOT / 2, bottom + 34, x_name, "middle"))
    parts.append(f'<path d="M{left},28 V{bottom} H{left + _PLOT}" fill="none" stroke="{_INK}"/>')
    for i, each in enumerate(series):
        color = _COLORS[i % len(_COLORS)]
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in each.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        if whole:
            parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{color}"/>' for a, b in each.points]
        parts.append(_text(left + _PLOT + 16, 40 + 18 * i, each.name, color=color))
    return _svg(left + _PLOT + 16 + _label_width([each.name for each in series]), height, parts)


def _grid(marks: Sequence[float], x: Callable[[float], float], rows: int, unit: str) -> list[str]:
    """Vertical lines behind rows, with their numbers below."""
    bottom = rows * _ROW + 4
    parts = [f'<path d="M{x(mark):.1f},0 V{bottom}" stroke="{_GRID}"/>' for mark in marks]
    parts += [_text(x(mark), bottom + 15, written(mark), "middle", _INK) for mark in marks]
    return [*parts, _text(max(map(x, marks), default=0.0) + 24, bottom + 15, unit, color=_INK)]


def _label_width(names: Sequence[str]) -> int:
    return math.ceil(max((len(name) for name in names), default=0) * _LETTER) + 12


def _text(x: float, y: float, words: str, anchor: str = "start", color: str = "#1a202c") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    style = f"font: 12px sans-serif; width: {width:.0f}px; max-width: 100%; display: block"
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" style="{style}">{body}</svg>'
    )
