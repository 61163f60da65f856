"""How far a text is from what it should have been."""

from __future__ import annotations

import unicodedata

__all__ = ["alphanumeric", "edits"]


def edits(truth: str, read: str) -> list[tuple[str, str]]:
    """The fewest changes that make `read` of `truth`: pairs of what was there and what was read, "" for nothing."""
    costs = [list(range(len(read) + 1))]
    for row, wanted in enumerate(truth, 1):
        before, line = costs[-1], [row]
        for column, found in enumerate(read, 1):
            line.append(min(before[column - 1] + (wanted != found), before[column] + 1, line[-1] + 1))
        costs.append(line)
    changes: list[tuple[str, str]] = []
    row, column = len(truth), len(read)
    while row or column:
        here = costs[row][column]
        if row and column and here == costs[row - 1][column - 1] + (truth[row - 1] != read[column - 1]):
            row, column = row - 1, column - 1
            if truth[row] != read[column]:
                changes.append((truth[row], read[column]))
        elif row and here == costs[row - 1][column] + 1:
            row -= 1
            changes.append((truth[row], ""))
        else:
            column -= 1
            changes.append(("", read[column]))
    return changes[::-1]


def alphanumeric(text: str) -> str:
    """Letters with their vowel signs and accents, and digits, in one case: how words of photos are usually compared."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if c.isalnum() or unicodedata.category(c).startswith("M"))
