"""How likely a text is by the scores of every step, and how sure each of its characters is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["confidences", "likelihood", "places", "spoken", "surest_steps"]


def spoken(steps: NDArray[np.float64]) -> tuple[int, ...]:
    """The likeliest column of every step of (T, C), repeats as one and blanks (column 0) left out."""
    best = steps.argmax(axis=1)
    changes = np.concatenate([[True], best[1:] != best[:-1]]) if len(best) else np.zeros(0, bool)
    return tuple(best[changes & (best > 0)].tolist())


def likelihood(steps: NDArray[np.float64], columns: Sequence[int]) -> float:
    """The probability of a text: of all ways to say it in so many steps (Graves et al., 2006)."""
    trellis, skips = _trellis(columns)
    ways = np.zeros(len(trellis))
    ways[0] = 1.0
    for at, step in enumerate(steps):
        moved = ways.copy()
        moved[1:] += ways[:-1]
        moved[2:] += np.where(skips[2:], ways[:-2], 0.0)
        if at == 0:
            moved = np.where(np.arange(len(trellis)) < 2, 1.0, 0.0)
        ways = moved * step[trellis]
    return float(ways[-2:].sum())


def confidences(steps: NDArray[np.float64], columns: Sequence[int]) -> NDArray[np.float32]:
    """(L,): the highest probability that each character has in the steps where the likeliest way says it."""
    trellis, _ = _trellis(columns)
    sure = np.zeros(len(trellis), np.float32)
    for step, place in zip(steps, places(steps, columns), strict=True):
        sure[place] = max(sure[place], step[trellis[place]])
    return sure[1::2]


def surest_steps(steps: NDArray[np.float64], columns: Sequence[int]) -> list[int]:
    """For each character the step that says it surest in the likeliest way; fewer where the steps do not suffice."""
    said = places(steps, columns)
    own = [(column, np.flatnonzero(said == 2 * n + 1)) for n, column in enumerate(columns)]
    return [int(where[steps[where, column].argmax()]) for column, where in own if len(where)]


def places(steps: NDArray[np.float64], columns: Sequence[int]) -> NDArray[np.intp]:
    """(T,): what every step says in the likeliest way to say a text: 2n + 1 is its character n, even is a blank."""
    trellis, skips = _trellis(columns)
    logs = np.log(np.maximum(steps[:, trellis], 1e-30))
    best = np.full(len(trellis), -np.inf)
    best[:2] = logs[0, :2]
    came = np.zeros((len(steps), len(trellis)), np.intp)
    for at in range(1, len(steps)):
        choices = np.full((3, len(trellis)), -np.inf)
        choices[0], choices[1, 1:] = best, best[:-1]
        choices[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        came[at] = choices.argmax(axis=0)
        best = choices.max(axis=0) + logs[at]
    said = np.zeros(len(steps), np.intp)
    place = int(len(trellis) - 1 if len(trellis) < 2 or best[-1] >= best[-2] else len(trellis) - 2)
    for at in range(len(steps) - 1, -1, -1):
        said[at] = place
        place -= int(came[at, place])
    return said


def _trellis(columns: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The text with a blank around every character, and before which places the blank may be left out."""
    trellis = np.zeros(2 * len(columns) + 1, np.intp)
    trellis[1::2] = columns
    skips = np.zeros(len(trellis), bool)
    skips[2:] = (trellis[2:] > 0) & (trellis[2:] != trellis[:-2])
    return trellis, skips
