"""Texts that fit a pattern, made up one after the other."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from edgelens.runtime.decode.spelling.automaton import Automaton
from edgelens.runtime.decode.spelling.pattern import Pattern
from edgelens.runtime.errors import UsageError

__all__ = ["Signs", "made_up"]

_PLAIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MOST_STATES = 2000  # of a pattern: what may still follow, of which there is one a character as a rule
_SYNTAX = frozenset("\\[](){}|?*+.^$,")  # what a pattern says without meaning it


@dataclass(frozen=True)
class Signs:
    """What fits an expression over plain letters, digits and the characters that it names itself."""

    expression: str

    @functools.cached_property
    def _pattern(self) -> Pattern:
        return Pattern(self.expression, self._known)

    @functools.cached_property
    def _known(self) -> str:
        return "".join(dict.fromkeys(_PLAIN + "".join(c for c in self.expression if c not in _SYNTAX)))

    @functools.cached_property
    def characters(self) -> str:
        """All that stands in any of its texts."""
        seen, found, states = {self._pattern.start}, set[int](), [self._pattern.start]
        while states:
            state = states.pop()
            for column in self._pattern.follows(state).tolist():
                found.add(column)
                after = self._pattern.after(state, column)
                if after not in seen:
                    seen.add(after)
                    states.append(after)
            if len(seen) > _MOST_STATES:
                raise UsageError(f"--pattern {self.expression}: allows texts that no plate has room for")
        return "".join(sorted(self._known[column - 1] for column in found))

    def made_up(self, chance: np.random.Generator) -> str:
        """A text of it."""
        return made_up(self._pattern, self._known, chance)


def made_up(pattern: Automaton, alphabet: str, chance: np.random.Generator) -> str:
    """A text that a pattern over this alphabet allows, any character that may follow as likely as the others."""
    state, text = pattern.start, ""
    while True:
        follows = pattern.follows(state)
        if not len(follows) or (pattern.ends(state) and chance.random() < 0.5):
            return text
        column = int(chance.choice(follows))
        text += alphabet[column - 1]
        state = pattern.after(state, column)
