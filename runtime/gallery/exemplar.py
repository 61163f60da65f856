"""One picture that was shown under a name, as the gallery's file keeps it."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

__all__ = ["MOST_OF_NAME", "Exemplar", "checked_name", "new_lesson"]

MOST_OF_NAME = 80  # characters
_UNSEEN = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")  # kinds of characters
_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # what is around them is read in another order


@dataclass(frozen=True)
class Exemplar:
    """A name's picture: its features, its thumbnail where one is kept, when it was shown and from where."""

    name: str
    vector: NDArray[np.float32]  # (D,) as the network gave it
    picture: bytes = b""  # JPEG, empty where none is kept
    when: float = 0.0  # wall clock, seconds
    source: str = ""
    lesson: str = ""  # what was taught together, and is taken back together


def new_lesson() -> str:
    """The number of what is taught together."""
    return os.urandom(8).hex()


def checked_name(name: str) -> str:
    """A name in its one spelling; refused where it is empty, too long, or could be read as a path or a command."""
    if not isinstance(name, str):
        raise UsageError(f"a name is a text, not {type(name).__name__}")
    spelled = unicodedata.normalize("NFC", name).strip()
    if not spelled:
        raise UsageError("a name is empty: give it a letter at least")
    if len(spelled) > MOST_OF_NAME:
        raise UsageError(f"a name of {len(spelled):,} characters ({spelled[:16]}…): {MOST_OF_NAME} are the most")
    if any(unicodedata.category(char) in _UNSEEN or char in _TURNS for char in spelled):
        raise UsageError(f"the name {_plain(spelled)} holds characters that nobody can see: spell it without")
    if spelled.startswith((".", "-")) or any(char in '/\\:*?"<>|' for char in spelled):
        raise UsageError(
            f"the name {_plain(spelled)} could be read as a path: spell it without . or - first, / \\ : * ?"
        )
    return spelled


def _plain(name: str) -> str:
    return ascii(name[:40])
