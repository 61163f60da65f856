"""Plain plots as SVG text: bars, lines and distributions, without any plotting package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Series", "bars", "boxes", "lines"]

_WIDTH, _LEFT, _RIGHT, _ROW = 760, 290, 70, 24
_COLORS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#4a5568")


@dataclass(frozen=True)
class Series:
    """A named line of points."""

    name: str
    points: Sequence[tuple[float, float]]


def bars(rows: Sequence[tuple[str, float, str]], unit: str) -> str:
    """Horizontal bars: name, value, group; one colour a group."""
    top = max((value for _, value, _ in rows), default=1.0) or 1.0
    groups = sorted({group for _, _, group in rows})
    parts = []
    for i, (name, value, group) in enumerate(rows):
        y, length = i * _ROW + 4, (_WIDTH - _LEFT - _RIGHT) * value / top
        color = _COLORS[groups.index(group) % len(_COLORS)]
        parts.append(_text(_LEFT - 8, y + 13, name, "end"))
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="16" fill="{color}"/>')
        parts.append(_text(_LEFT + length + 6, y + 13, f"{value:.4g} {unit}"))
    return _svg(len(rows) * _ROW + 8, parts)


def boxes(rows: Sequence[tuple[str, Sequence[float]]], unit: str) -> str:
    """Distributions from quantiles 0, 2.5 … 100 %: line 2.5 to 97.5, box 25 to 75, tick at the median; log scale."""
    import math

    spans = [(q[1], q[-2]) for _, q in rows]
    low = math.log10(max(min((a for a, _ in spans), default=0.1), 1e-6)) - 0.05
    high = math.log10(max((b for _, b in spans), default=1.0)) + 0.05

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log10(max(value, 1e-6)) - low) / (high - low)

    parts = []
    for i, (name, q) in enumerate(rows):
        y, color = i * _ROW + 12, _COLORS[i % len(_COLORS)]
        parts.append(_text(_LEFT - 8, y + 4, name, "end"))
        parts.append(f'<line x1="{x(q[1]):.1f}" x2="{x(q[-2]):.1f}" y1="{y}" y2="{y}" stroke="{color}"/>')
        width = max(x(q[30]) - x(q[10]), 1.0)
        parts.append(f'<rect x="{x(q[10]):.1f}" y="{y - 6}" width="{width:.1f}" height="12" fill="{color}"/>')
        parts.append(f'<line x1="{x(q[20]):.1f}" x2="{x(q[20]):.1f}" y1="{y - 8}" y2="{y + 8}" stroke="#000"/>')
        parts.append(_text(x(q[-2]) + 6, y + 4, f"{q[20]:.4g} {unit}"))
    return _svg(len(rows) * _ROW + 8, parts)


def lines(series: Sequence[Series], x_name: str, y_name: str, height: int = 260) -> str:
    """Lines over one pair of axes that start at their least and reach to their greatest values."""
    points = [point for each in series for point in each.points]
    if not points:
        return "<p>nothing was measured</p>"
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(0.0, *(p[1] for p in points)), max(p[1] for p in points) or 1.0
    left, right, bottom = 60, _WIDTH - 220, height - 40

    def at(point: tuple[float, float]) -> str:
        x = left + (right - left) * (point[0] - x0) / ((x1 - x0) or 1.0)
        return f"{x:.1f},{bottom - (bottom - 12) * (point[1] - y0) / ((y1 - y0) or 1.0):.1f}"

    parts = [
        f'<path d="M{left},12 V{bottom} H{right}" fill="none" stroke="#718096"/>',
        _text(left - 6, 18, f"{y1:.4g}", "end"),
        _text(left - 6, bottom, f"{y0:.4g}", "end"),
        _text(left, bottom + 16, f"{x0:.4g}"),
        _text(right, bottom + 16, f"{x1:.4g}", "end"),
        _text((left + right) / 2, bottom + 32, x_name, "middle"),
        _text(left + 8, 20, y_name),
    ]
    for i, each in enumerate(series):
        color = _COLORS[i % len(_COLORS)]
        path = " ".join(at(point) for point in each.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(_text(right + 12, 24 + 18 * i, each.name, color=color))
    return _svg(height, parts)


def _text(x: float, y: float, words: str, anchor: str = "start", color: str = "#1a202c") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'


def _svg(height: float, parts: Sequence[str]) -> str:
    style = "font: 12px sans-serif; max-width: 100%"
    body = "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" style="{style}">{body}</svg>'
