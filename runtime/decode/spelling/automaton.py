"""What says, character by character, how a text may go on: all that a search asks of words or a pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Automaton", "accepts", "columns_of", "places_in"]


class Automaton(Protocol):
    """Texts as walks from state to state; characters are columns of the scores, whose column 0 is the blank."""

    @property
    def start(self) -> Any:
        """The state before the first character."""

    def follows(self, state: Any) -> NDArray[np.intp]:
        """The columns of the characters that may come next."""

    def after(self, state: Any, column: int) -> Any:
        """The state behind a character that may come next."""

    def ends(self, state: Any) -> bool:
        """Whether a text may end here."""


def places_in(alphabet: Sequence[str]) -> dict[str, int]:
    """The column of every character: made once for many texts, an alphabet may have thousands."""
    return {character: column for column, character in enumerate(alphabet, 1)}


def columns_of(text: str, place: Mapping[str, int]) -> tuple[int, ...] | None:
    """The columns of a text's characters, in the other case where that alone is there; None where one is not."""
    found = tuple(next((place[c] for c in (each, each.upper(), each.lower()) if c in place), 0) for each in text)
    return found if all(found) else None


def accepts(automaton: Automaton, columns: Sequence[int]) -> bool:
    """Whether a text is one of the automaton's."""
    state = automaton.start
    for column in columns:
        if column not in automaton.follows(state):
            return False
        state = automaton.after(state, column)
    return automaton.ends(state)
