"""What the chosen epoch answers, as if no picture had a say in the choice that it is judged by.

The best of many epochs on few pictures is the best partly by luck. So each part of the validation pictures is answered
by the epoch that did best on the other parts: the figures of those answers are what the choice is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..task import Arrays

__all__ = ["out_of_choice", "parts_of"]

_PARTS = 5

Rank = Callable[[Arrays, NDArray[np.intp]], tuple[float, float]]  # (a candidate's answers, rows) → more is better


def parts_of(count: int, seed: int, groups: Sequence[str] | None = None) -> NDArray[np.intp]:
    """Which of five parts each of so many pictures is in, drawn by chance; a group is in one."""
    names = [str(i) for i in range(count)] if groups is None else list(groups)
    index = {name: i for i, name in enumerate(dict.fromkeys(names))}
    drawn = np.random.default_rng((seed, 0x686F6E)).permutation(len(index)) % _PARTS
    return np.array([drawn[index[name]] for name in names], np.intp)


def out_of_choice(candidates: Sequence[Arrays], parts: NDArray[np.intp], rank: Rank) -> dict[str, NDArray[np.float32]]:
    """Of every part's rows, the answers of the candidate that ranks best on all other rows."""
    chosen = {name: np.array(values) for name, values in candidates[0].items()}
    for part in np.unique(parts):
        others, own = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        best = max(candidates, key=lambda answers: rank(answers, others)) if len(others) else candidates[-1]
        for name, values in best.items():
            chosen[name][own] = values[own]
    return chosen
