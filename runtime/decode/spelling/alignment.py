"""How likely a text is by the scores of every step, and how sure each of its characters is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["confidences", "likelihood", "spoken"]


def spoken(steps: NDArray[np.float64]) -> tuple[int, ...]:
    """The likeliest column of every step of (T, C), repeats as one and blanks (column 0) left out."""
    best = steps.argmax(axis=1)
    changes = np.concatenate([[True], best[1:] != best[:-1]]) if len(best) else np.zeros(0, bool)
    return tuple(best[changes & (best > 0)].tolist())


def likelihood(steps: NDArray[np.float64], columns: Sequence[int]) -> float:
    """The probability of a text: of all ways to say it in so many steps (Graves et al., 2006)."""
    places, skips = _trellis(columns)
    ways = np.zeros(len(places))
    ways[0] = 1.0
    for at, step in enumerate(steps):
        moved = ways.copy()
        moved[1:] += ways[:-1]
        moved[2:] += np.where(skips[2:], ways[:-2], 0.0)
        if at == 0:
            moved = np.where(np.arange(len(places)) < 2, 1.0, 0.0)
        ways = moved * step[places]
    return float(ways[-2:].sum())


def confidences(steps: NDArray[np.float64], columns: Sequence[int]) -> NDArray[np.float32]:
    """(L,): the highest probability that each character has in the steps where the likeliest way says it."""
    places, skips = _trellis(columns)
    logs = np.log(np.maximum(steps[:, places], 1e-30))
    best = np.full(len(places), -np.inf)
    best[:2] = logs[0, :2]
    came = np.zeros((len(steps), len(places)), np.intp)
    for at in range(1, len(steps)):
        choices = np.full((3, len(places)), -np.inf)
        choices[0], choices[1, 1:] = best, best[:-1]
        choices[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        came[at] = choices.argmax(axis=0)
        best = choices.max(axis=0) + logs[at]
    sure = np.zeros(len(places), np.float32)
    place = int(len(places) - 1 if len(places) < 2 or best[-1] >= best[-2] else len(places) - 2)
    for at in range(len(steps) - 1, -1, -1):
        sure[place] = max(sure[place], steps[at, places[place]])
        place -= int(came[at, place])
    return sure[1::2]


def _trellis(columns: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The text with a blank around every character, and before which places the blank may be left out."""
    places = np.zeros(2 * len(columns) + 1, np.intp)
    places[1::2] = columns
    skips = np.zeros(len(places), bool)
    skips[2:] = (places[2:] > 0) & (places[2:] != places[:-2])
    return places, skips
