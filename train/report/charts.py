"""Charts as inline SVG that take their colours from the page, so that they fit light and dark, screen and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Dot", "Series", "bar_chart", "line_chart", "scatter_chart", "ticks"]

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 16, 38
_DOTS = 40  # a line of so many points or fewer shows each


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    colour: int = 0
    faint: bool = False


@dataclass(frozen=True)
class Dot:
    """One dot of a scatter chart and what it says when it is pointed at."""

    x: float
    y: float
    title: str
    colour: int = 0
    strong: bool = False


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float  # pixels
    end: float
    log: bool = False
    whole: bool = False  # counts things: there is no half of one

    def at(self, value: float) -> float:
        """Where a value stands, in pixels."""
        if self.log:
            value, low, high = math.log(max(value, self.low)), math.log(self.low), math.log(self.high)
        else:
            low, high = self.low, self.high
        return self.start + (value - low) / ((high - low) or 1) * (self.end - self.start)


def ticks(low: float, high: float, count: int = 5, *, whole: bool = False) -> list[float]:
    """About so many round numbers from low to high; only whole ones where asked."""
    span = (high - low) or abs(high) or 1.0
    rough = max(span / max(count, 1), 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (m * power for m in (1, 2, 2.5, 5, 10))
    step = next(s for s in steps if s >= rough * 0.999 and not (whole and s % 1))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def line_chart(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    percent: bool = False,
    log_y: bool = False,
    log_x: bool = False,
    mark: tuple[float, str] | None = None,
) -> str:
    """Lines over a shared x; `mark` draws a vertical line with a word."""
    series = [s for s in series if len(s.xs)]
    if not series:
        return ""
    x, y = _axes([v for s in series for v in s.xs], [v for s in series for v in s.ys], log_x=log_x, log_y=log_y)
    parts = [_frame(x, y, x_label, percent=percent)]
    if mark and x.low <= mark[0] <= x.high:
        at = x.at(mark[0])
        anchor = "end" if at > WIDTH / 2 else "start"
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text class="dim" x="{at:.1f}" y="{TOP - 4}" text-anchor="{anchor}">{escape(mark[1])}</text>')
    for s in series:
        pairs = [(a, b) for a, b in zip(s.xs, s.ys, strict=True) if math.isfinite(b)]
        points = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in pairs)
        parts.append(f'<polyline class="c{s.colour}{" faint" if s.faint else ""}" points="{points}"/>')
        if len(pairs) <= _DOTS and not s.faint:
            parts += [
                f'<circle class="d{s.colour}" cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="2.6">'
                f"<title>{escape(s.name)}: {_said(b, percent=percent)} at {_number(a)}</title></circle>"
                for a, b in pairs
            ]
    named = [s for s in series if not s.faint]
    legend = [(s.name, s.colour) for s in named] if len(named) > 1 else []
    return _svg(parts, f"{y_label} over {x_label}", legend)


def scatter_chart(
    points: Sequence[Dot],
    *,
    x_label: str,
    y_label: str,
    percent: bool = False,
    log_x: bool = False,
    front: Sequence[tuple[float, float]] = (),
    legend: Sequence[tuple[str, int]] = (),
) -> str:
    """Dots; `front` joins some places with a stepped line."""
    points = [p for p in points if math.isfinite(p.x) and math.isfinite(p.y)]
    if not points:
        return ""
    x, y = _axes([p.x for p in points], [p.y for p in points], log_x=log_x)
    parts = [_frame(x, y, x_label, percent=percent)]
    if front:
        path = f"M{x.at(front[0][0]):.1f},{y.at(front[0][1]):.1f}"
        path += "".join(f"H{x.at(a):.1f}V{y.at(b):.1f}" for a, b in front[1:])
        parts.append(f'<path class="c1" d="{path}"/>')
    for p in points:
        radius = 4.6 if p.strong else 3.2
        parts.append(
            f'<circle class="d{p.colour}{"" if p.strong else " soft"}" cx="{x.at(p.x):.1f}" cy="{y.at(p.y):.1f}"'
            f' r="{radius}"><title>{escape(p.title)}</title></circle>'
        )
    return _svg(parts, f"{y_label} over {x_label}", legend)


def bar_chart(bars: Sequence[tuple[str, float]], *, label: str) -> str:
    """Named shares of a whole, largest first, as horizontal bars."""
    rows = sorted(bars, key=lambda bar: -bar[1])
    step, left = 22, 120
    height = step * len(rows) + 8
    largest = max((value for _, value in rows), default=0) or 1
    parts = []
    for i, (name, value) in enumerate(rows):
        y = 4 + i * step
        width = value / largest * (WIDTH - left - 60)
        parts.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="d0" x="{left}" y="{y + 3}" width="{max(width, 1):.1f}" height="{step - 8}" rx="2"/>'
            f'<text class="dim" x="{left + width + 6:.1f}" y="{y + 14}">{100 * value:.0f} %</text>'
        )
    body = "".join(parts)
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'


def _axes(xs: Sequence[float], ys: Sequence[float], *, log_x: bool = False, log_y: bool = False) -> tuple[_Axis, _Axis]:
    ys = [v for v in ys if math.isfinite(v)]
    x_low, x_high = min(xs), max(xs)
    y_low, y_high = min(ys, default=0), max(ys, default=1)
    if log_x:
        x_low, x_high = max(x_low, 1e-12) / 1.05, x_high * 1.05
    elif x_low == x_high:
        x_low, x_high = x_low - 0.5, x_high + 0.5
    log_y = log_y and y_low > 0 and y_high / y_low > 20
    if not log_y:
        room = (y_high - y_low) * 0.06 or abs(y_high) * 0.05 or 0.05
        y_low, y_high = (0.0 if 0 <= y_low < room * 4 else y_low - room), y_high + room
    else:
        y_low, y_high = y_low / 1.1, y_high * 1.1
    whole = all(float(v).is_integer() for v in xs)
    return _Axis(x_low, x_high, LEFT, WIDTH - RIGHT, log_x, whole), _Axis(y_low, y_high, HEIGHT - BOTTOM, TOP, log_y)


def _frame(x: _Axis, y: _Axis, x_label: str, *, percent: bool) -> str:
    parts = []
    for value in _axis_ticks(y):
        if percent and value > 1.0001:
            continue
        at = y.at(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(
            f'<text class="dim" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">'
            f"{_said(value, percent=percent)}</text>"
        )
    for value in _axis_ticks(x):
        at = x.at(value)
        parts.append(
            f'<text class="dim" x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_number(value)}</text>'
        )
    base = HEIGHT - BOTTOM
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="label" x="{middle}" y="{HEIGHT - 5}" text-anchor="middle">{escape(x_label)}</text>')
    return "".join(parts)


def _axis_ticks(axis: _Axis) -> list[float]:
    if not axis.log:
        return ticks(axis.low, axis.high, whole=axis.whole)
    powers = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    marks = [m * 10.0**p for p in powers for m in (1, 2, 5) if axis.low <= m * 10.0**p <= axis.high]
    return marks if len(marks) <= 7 else [value for value in marks if math.log10(value) % 1 < 1e-9] or marks[::3]


def _svg(parts: Sequence[str], label: str, legend: Sequence[tuple[str, int]]) -> str:
    keys = "".join(f'<span><i class="k{colour}"></i>{escape(name)}</span>' for name, colour in legend)
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return head + "".join(parts) + "</svg>" + (f'<div class="keys">{keys}</div>' if keys else "")


def _said(value: float, *, percent: bool) -> str:
    return f"{_number(100 * value)} %" if percent else _number(value)


def _number(value: float) -> str:
    """A number as short as it can be read: 12,000 is 12k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * (10 if letter == "k" else 1):
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"
