"""A list of words as a tree of their characters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lexicon"]


@dataclass(frozen=True)
class Lexicon:
    """The words, each as the columns of its characters; a state is a node's number."""

    words: tuple[tuple[int, ...], ...]
    start: int = 0

    def follows(self, state: int) -> NDArray[np.intp]:
        """The next characters of all words that began like this."""
        return self._tree[state][1]

    def after(self, state: int, column: int) -> int:
        """The node that the character leads to."""
        return self._tree[state][0][column]

    def ends(self, state: int) -> bool:
        """Whether a word is whole here."""
        return state in self._whole[1]

    @property
    def _tree(self) -> list[tuple[dict[int, int], NDArray[np.intp]]]:
        return self._whole[0]

    @cached_property
    def _whole(self) -> tuple[list[tuple[dict[int, int], NDArray[np.intp]]], frozenset[int]]:
        """Each node's children by character, and the nodes at which words end."""
        children, ends = _grown(self.words)
        return [(node, np.fromiter(node, np.intp, len(node))) for node in children], frozenset(ends)


def _grown(words: Iterable[tuple[int, ...]]) -> tuple[list[dict[int, int]], set[int]]:
    children: list[dict[int, int]] = [{}]
    ends = set()
    for word in words:
        node = 0
        for column in word:
            if column not in children[node]:
                children[node][column] = len(children)
                children.append({})
            node = children[node][column]
        ends.add(node)
    return children, ends
