"""The upright box around a box or an ellipse that is turned."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["around_ellipse", "upright"]


def upright(box: Sequence[float], degrees: float, about: tuple[float, float]) -> list[float]:
    """x, y, w, h around a box that is turned clockwise about a point, all in pixels."""
    x, y, w, h = box
    if not degrees:
        return [x, y, w, h]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(a - about[0], b - about[1]) for a in (x, x + w) for b in (y, y + h)]
    xs = [about[0] + a * cos - b * sin for a, b in corners]
    ys = [about[1] + a * sin + b * cos for a, b in corners]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def around_ellipse(center: tuple[float, float], radii: tuple[float, float], degrees: float) -> list[float]:
    """x, y, w, h around an ellipse that is turned about its center: smaller than that around its turned box."""
    (x, y), (rx, ry) = center, radii
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    across, along = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    return [x - across, y - along, 2 * across, 2 * along]
