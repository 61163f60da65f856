"""The likeliest text that an automaton allows, searched step by step along the most promising beginnings."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .automaton import Automaton

__all__ = ["likeliest"]

Text = tuple[int, ...]
_FOLLOWED = 8  # characters a beginning and step, the likeliest of those that may come
_LEAST_FOLLOWED = 2  # however unlikely they are
_UNLIKELY = 1e-5  # a character's probability under which it is not followed
_HOPELESS = 1e-9  # of the likeliest beginning's probability
_SILENT = 0.999  # a blank from which on a step says nothing else


def likeliest(steps: NDArray[np.float64], automaton: Automaton, width: int) -> Text | None:
    """The columns of the best text that the scores (T, C) say and the automaton allows; None where none was found."""
    found = _searched(steps, automaton, width, _SILENT)
    return _searched(steps, automaton, width, 1.0) if found is None else found


def _searched(steps: NDArray[np.float64], automaton: Automaton, width: int, silent: float) -> Text | None:
    """The best text without the steps whose blank is likelier than `silent`.

    Of every beginning two probabilities are kept: of the ways that end in a blank, after which its last character may
    come again, and of those that end in that character.
    """
    states: dict[Text, Any] = {(): automaton.start}
    ways: dict[Text, tuple[float, float]] = {(): (1.0, 0.0)}
    for step in steps:
        if step[0] > silent:
            ways = {text: (blank + spoken, 0.0) for text, (blank, spoken) in ways.items()}
            continue
        ways = _kept(_grown(ways, states, step, automaton), states, automaton, width)
        states = {text: states[text] for text in ways}
    whole = [text for text in ways if automaton.ends(states[text])]
    return max(whole, key=lambda text: sum(ways[text]), default=None)


def _grown(
    ways: dict[Text, tuple[float, float]], states: dict[Text, Any], step: NDArray[np.float64], automaton: Automaton
) -> dict[Text, tuple[float, float]]:
    """Every beginning one step later: as it is, and longer by each character that may follow."""
    blanks: dict[Text, float] = defaultdict(float)
    spoken: dict[Text, float] = defaultdict(float)
    for text, (blank, said) in ways.items():
        blanks[text] += (blank + said) * step[0]
        if text:
            spoken[text] += said * step[text[-1]]
        for column in _promising(automaton.follows(states[text]), step):
            longer = (*text, column)
            if longer not in states:
                states[longer] = automaton.after(states[text], column)
            before = blank if text and column == text[-1] else blank + said
            spoken[longer] += before * step[column]
    return {text: (blanks[text], spoken[text]) for text in {**blanks, **spoken}}


def _promising(columns: NDArray[np.intp], step: NDArray[np.float64]) -> list[int]:
    scores = step[columns]
    if len(columns) > _FOLLOWED:
        best = np.argpartition(-scores, _FOLLOWED)[:_FOLLOWED]
        columns, scores = columns[best], scores[best]
    order = np.argsort(-scores)
    likely = int((scores > _UNLIKELY).sum())
    followed: list[int] = columns[order[: max(likely, _LEAST_FOLLOWED)]].tolist()
    return followed


def _kept(
    ways: dict[Text, tuple[float, float]], states: dict[Text, Any], automaton: Automaton, width: int
) -> dict[Text, tuple[float, float]]:
    """The likeliest beginnings, and some that could end here: what is likely but may not end would crowd them out."""
    ranked = sorted(ways, key=lambda text: -sum(ways[text]))
    highest = sum(ways[ranked[0]]) or 1.0
    could_end = [text for text in ranked if automaton.ends(states[text])][: max(width // 4, 1)]
    kept = [text for text in ranked[:width] if sum(ways[text]) > _HOPELESS * highest]
    kept = list(dict.fromkeys([*kept, *could_end]))
    # kept near one: hundreds of steps would run out of digits
    return {text: (ways[text][0] / highest, ways[text][1] / highest) for text in kept}
