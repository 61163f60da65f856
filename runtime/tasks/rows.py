"""Rows in words and on a picture, whatever task made them: what tasks share that have nothing of their own to say."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from ..recognition import own_part
from ..recognitions import CORNERS, UNKNOWN_ID, Recognitions
from .canvas import Canvas, Color, color_of
from .skeletons import LEAST_SURE, limbs

__all__ = ["caption", "describe_rows", "draw_rows", "top_rows"]


def caption(seen: Recognitions, row: int, *, score: bool = True) -> str:
    """A row in a few words: what it is, how sure that is, what a later step found inside it."""
    said = seen.label(row)
    if seen.identities is not None and seen.identities[row]:
        said = seen.identities[row]
    elif seen.texts is not None and seen.texts[row]:
        said = seen.texts[row] if seen.ids[row] != UNKNOWN_ID else f"{seen.texts[row]}?"
    elif seen.values is not None and not np.isnan(seen.values[row]):
        return f"{seen.values[row]:.4g} {said}".strip()
    said = f"{said} {seen.scores[row]:.2f}" if score else said
    inside = ", ".join(caption(seen, child, score=score) for child in seen.children_of(row))
    return f"{said} ({inside})" if inside else said


def top_rows(seen: Recognitions) -> list[int]:
    """The rows that were found in the frame itself, not inside another row."""
    return [row for row in range(len(seen)) if seen.parents is None or seen.parents[row] < 0]


def describe_rows(seen: Recognitions) -> str:
    """What was seen in a few words: things of one name are counted."""
    rows = top_rows(seen)
    if not rows:
        return "nothing"
    if not any(seen.has_place(row) for row in rows):
        return ", ".join(caption(seen, row) for row in rows)
    counts = Counter(caption(seen, row, score=False) for row in rows)
    return ", ".join(f"{count} {label}" for label, count in counts.most_common())


def draw_rows(canvas: Canvas, seen: Recognitions) -> None:
    """Boxes with their captions, masks, keypoints and limbs; rows without a place as lines at the top left."""
    lines = 0
    for row in top_rows(seen):
        if not seen.has_place(row):
            canvas.headline(lines, caption(seen, row), color_of(int(seen.ids[row])))
            lines += 1
    placed = [row for row in top_rows(seen) if seen.has_place(row)]
    for row in reversed(top_rows(seen)):  # the best on top
        color = color_of(int(seen.ids[row]))
        canvas.veil(seen[row].outlines, color)
        if seen.keypoints is not None:
            _draw_points(canvas, own_part(seen.keypoints[row]), color)
        if CORNERS in seen.extra and not np.isnan(seen.extra[CORNERS][row]).any():
            canvas.outline(seen.extra[CORNERS][row], color)
        elif seen.has_place(row):
            canvas.box(seen.places[row], color)
    canvas.captions([(seen.places[row], caption(seen, row), color_of(int(seen.ids[row]))) for row in placed])


def _draw_points(canvas: Canvas, points: NDArray[np.float32], color: Color) -> None:
    """Keypoints (K, 3) as dots, those that belong to one limb joined; guesses are left out."""
    sure = points[:, 2] >= LEAST_SURE
    for one, other in limbs(len(points)):
        if sure[one] and sure[other]:
            canvas.limb(points[one, :2], points[other, :2], color)
    for x, y, _ in points[sure]:
        canvas.point(x, y, color)
