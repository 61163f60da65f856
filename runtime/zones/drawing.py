"""Lines and zones with their counts, drawn onto a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..tasks.canvas import Canvas
from .geometry import scaled

__all__ = ["draw_places"]

_LINE, _ZONE, _LOITERING = (80, 220, 250), (240, 190, 80), (60, 80, 250)  # BGR


def draw_places(canvas: Canvas, watched: Mapping[str, Any], size: tuple[int, int]) -> None:
    """Every line and zone of a result, its name and counts beside it; `size` is the frame's height and width."""
    for name, zone in watched.get("zones", {}).items():
        points = scaled(_pairs(zone["at"]), size)
        color = _LOITERING if zone["loitering"] else _ZONE
        canvas.polygon(points, color, closed=True)
        canvas.note(points[np.lexsort(points.T)[0]], f"{name}: {sum(zone['occupancy'].values())}", color)
    for name, line in watched.get("lines", {}).items():
        points = scaled(_pairs(line["at"]), size)
        canvas.polygon(points, _LINE, closed=False)
        counts = f"{name}: {sum(line['in'].values())} in, {sum(line['out'].values())} out"
        canvas.note(points.mean(axis=0), counts, _LINE)


def _pairs(numbers: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
