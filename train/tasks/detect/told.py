"""A detector in a few lines, for the end of `make`."""

from __future__ import annotations

import numpy as np

from ...report.findings import Findings
from ...report.told import Told, times
from .advice import advise
from .seen import Seen, seen_of
from .worst import worst_rows

__all__ = ["told"]

_PAIRS, _WORST = 3, 5


def told(found: Findings) -> Told:
    """The run's findings as lines."""
    said = seen_of(found)
    images = found.images()
    score = f"{100 * (said.metrics['map50'] or 0):.1f} % mAP50, {100 * (said.metrics['map50_95'] or 0):.1f} % mAP50-95"
    worst: tuple[str, ...] = ()
    if images is not None and len(images) == said.metrics["images"]:
        rows = worst_rows(said, _WORST)
        worst = tuple(f"{images.names[row]}: {missed} missed, {false} made up" for row, missed, false in rows)
    first = advise(said)[0]
    advice = f"{first.title}: {first.actions[0]}" if first.actions else first.title
    return Told(score, found.basis, _confused(said), worst, advice)


def _confused(said: Seen) -> tuple[str, ...]:
    """The commonest mistakes: classes taken for each other, missed or made up."""
    table = said.confusion()
    np.fill_diagonal(table, 0)
    names = [*said.classes, "nothing"]
    order = np.argsort(-table, axis=None, kind="stable")[:_PAIRS]
    pairs = [divmod(int(place), len(names)) for place in order]
    return tuple(f"{names[a]} taken for {names[b]} ({times(int(table[a, b]))})" for a, b in pairs if table[a, b])
