"""The calibration plot: how often answers of each confidence are right; on the diagonal, scores mean what they say."""

from __future__ import annotations

from collections.abc import Sequence

from .metrics import ReliabilityBin

__all__ = ["reliability_chart"]

_SIDE, _LEFT, _TOP, _BOTTOM = 260, 44, 8, 40


def reliability_chart(bins: Sequence[ReliabilityBin], before: Sequence[ReliabilityBin] = ()) -> str:
    """Bars for the calibrated scores, a dashed line for the raw ones; bars fade where few images stand behind them."""

    def x(value: float) -> float:
        return _LEFT + value * _SIDE

    def y(value: float) -> float:
        return _TOP + (1 - value) * _SIDE

    most = max((part.count for part in bins), default=1)
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line class="grid" x1="{x(0)}" x2="{x(1)}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(
            f'<text class="dim" x="{_LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{100 * tick:.0f}</text>'
        )
        parts.append(
            f'<text class="dim" x="{x(tick):.1f}" y="{y(0) + 16:.1f}" text-anchor="middle">{100 * tick:.0f}</text>'
        )
    for part in bins:
        strength = 0.35 + 0.65 * (part.count / most) ** 0.5
        told = f"confidence {100 * part.confidence:.0f} %: {100 * part.accuracy:.0f} % of {part.count} right"
        parts.append(
            f'<rect class="d0" x="{x(part.low) + 1:.1f}" y="{y(part.accuracy):.1f}"'
            f' width="{x(part.high) - x(part.low) - 2:.1f}" height="{y(0) - y(part.accuracy):.1f}"'
            f' style="fill-opacity:{strength:.2f}"><title>{told}</title></rect>'
        )
    parts.append(f'<line class="mark" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>')
    if before:
        points = " ".join(f"{x(part.confidence):.1f},{y(part.accuracy):.1f}" for part in before)
        parts.append(f'<polyline class="c1 dashed" points="{points}"/>')
    parts.append(f'<text class="label" x="{x(0.5)}" y="{y(0) + 33:.0f}" text-anchor="middle">score (%)</text>')
    keys = '<span><i class="k0"></i>right, in % (after calibration)</span>'
    keys += '<span><i class="k1"></i>before</span>' if before else ""
    width, height = _LEFT + _SIDE + 12, _TOP + _SIDE + _BOTTOM
    return (
        f'<svg class="chart square" viewBox="0 0 {width} {height}" role="img" aria-label="Calibration">'
        f'{"".join(parts)}</svg><div class="keys">{keys}</div>'
    )
