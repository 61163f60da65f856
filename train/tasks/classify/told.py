"""A classifier in a few lines, for the end of `make`."""

from __future__ import annotations

import numpy as np

from edgelens.runtime.metrics.interval import percent

from ...report.findings import Findings
from ...report.told import Told, times
from .advice import advise
from .answers import Answers, answers_of
from .mistakes import worst_mistakes

__all__ = ["told"]

_PAIRS, _WORST = 3, 5
_FEW = 40  # photos of a class, which more of them help most


def told(found: Findings) -> Told:
    """The run's findings as lines."""
    said = answers_of(found)
    images = found.images()
    names = list(images.names) if images is not None and len(images) == len(said.labels) else None
    score = f"{percent(said.metrics['accuracy'], said.metrics['images'])} right"
    return Told(score, found.basis, _confused(said), _worst(said, names), _advice(said))


def _confused(said: Answers) -> tuple[str, ...]:
    """Pairs of classes that are taken for each other, both ways together."""
    count = len(said.classes)
    named = said.probabilities.argmax(1)
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (said.labels, named), 1)
    pairs = [(int(table[a, b] + table[b, a]), a, b) for a in range(count) for b in range(a + 1, count)]
    common = sorted((pair for pair in pairs if pair[0]), reverse=True)[:_PAIRS]
    return tuple(f"{said.classes[a]} and {said.classes[b]} ({times(often)})" for often, a, b in common)


def _worst(said: Answers, names: list[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return tuple(
        f"{wrong.name}: is {wrong.truth}, said {wrong.said} {100 * wrong.score:.0f} %"
        for wrong in worst_mistakes(said, names, _WORST)
    )


def _advice(said: Answers) -> str:
    """The gravest finding with what mends it; of few photos, more of the class that is told worst."""
    counts = np.bincount(said.labels, minlength=len(said.classes))
    right = np.bincount(said.labels[said.probabilities.argmax(1) == said.labels], minlength=len(said.classes))
    missed = counts - right
    poorest = int(np.argmax(missed / np.maximum(counts, 1)))
    if missed[poorest] and counts.min() < _FEW:
        return (
            f"more photos of {said.classes[poorest]}, of which {missed[poorest]} of {counts[poorest]} were told wrong"
            " (edgelens collect)"
        )
    first = advise(said)[0]
    return f"{first.title}: {first.actions[0]}" if first.actions else first.title
