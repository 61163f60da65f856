"""The confusion matrix as inline SVG: rows are the truth, columns what the network said."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["matrix_chart"]

_NAMED = 40  # classes up to which the names stand beside the cells
_COUNTED = 20  # … up to which the counts stand in them
_WHOLE = 100  # … up to which empty cells are drawn too: a thousand classes have a million


def matrix_chart(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Cells as strong as their part of the row; the diagonal in one colour, mistakes in another."""
    size = len(classes)
    named = size <= _NAMED
    cell = max(4.0, min(46.0, 480.0 / max(size, 1)))
    margin = min(130.0, 12 + 7.0 * max(map(len, classes))) if named else 12.0
    side = margin + cell * size
    parts = []
    if size > _WHOLE:
        ground = f'x="{margin:.1f}" y="{margin:.1f}" width="{side - margin:.1f}" height="{side - margin:.1f}"'
        parts.append(f'<rect class="cell" {ground} style="fill-opacity:0"/>')
    for row, line in enumerate(counts):
        total = sum(line) or 1
        y = margin + row * cell
        if named:
            parts.append(
                f'<text x="{margin - 6:.0f}" y="{y + cell / 2 + 4:.1f}" text-anchor="end">{_short(classes[row])}</text>'
            )
            x = margin + row * cell + cell / 2
            parts.append(
                f'<text transform="translate({x + 4:.1f},{margin - 6:.0f}) rotate(-60)">{_short(classes[row])}</text>'
            )
        for column, count in enumerate(line):
            if not count and size > _WHOLE:
                continue
            x = margin + column * cell
            share = count / total
            tone = "right" if row == column else "wrong"
            told = f"{classes[row]} → {classes[column]}: {count} ({100 * share:.1f} %)"
            # mistakes are few: the root keeps one in a hundred visible
            strength = share if row == column else share**0.5
            parts.append(
                f'<rect class="cell {tone}" x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}"'
                f' style="fill-opacity:{strength:.3f}"><title>{escape(told)}</title></rect>'
            )
            if count and size <= _COUNTED:
                light = " inverse" if strength > 0.6 else ""
                small = " small" if count > 999 or size > 12 else ""
                parts.append(
                    f'<text class="count{light}{small}" x="{x + cell / 2 - 0.5:.1f}" y="{y + cell / 2 + 4:.1f}"'
                    f' text-anchor="middle">{count}</text>'
                )
    label = "Confusion matrix: rows are the truth, columns what was said"
    width = side + 40  # the last column's name leans to the right
    return (
        f'<svg class="matrix" viewBox="0 0 {width:.0f} {side:.0f}" style="max-width:{max(width, 320):.0f}px" role="img"'
        f' aria-label="{label}">{"".join(parts)}</svg>'
    )


def _short(name: str) -> str:
    return escape(name if len(name) <= 16 else name[:15] + "…")
