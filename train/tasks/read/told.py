"""A reader in a few lines, for the end of `make`."""

from __future__ import annotations

from edgelens.runtime.metrics.interval import percent

from ...report.findings import Findings
from ...report.told import Told, times
from .advice import advise
from .answers import answers_of, in_words

__all__ = ["told"]

_PAIRS, _WORST = 3, 5


def told(found: Findings, alphabet: str) -> Told:
    """The run's findings as lines."""
    said = answers_of(found, alphabet)
    images = found.images()
    names = list(images.names) if images is not None and len(images) == said.metrics["images"] else None
    score = f"{percent(said.metrics['accuracy'], said.metrics['images'])} read exactly"
    confused = [
        f"{in_words(row['truth'])} read as {in_words(row['read'])} ({times(row['count'])})"
        for row in said.metrics["confusions"][:_PAIRS]
    ]
    worst = [
        f"{names[each.row]}: is {in_words(each.truth)}, read {in_words(each.read)}"
        for each in said.wrong[:_WORST]
        if names is not None
    ]
    first = advise(said)[0]
    advice = f"{first.title}: {first.actions[0]}" if first.actions else first.title
    return Told(score, found.basis, tuple(confused), tuple(worst), advice)
