"""A name, and what it becomes where something else has it already."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

__all__ = ["numbered"]


def numbered(stem: str) -> Iterator[str]:
    """The stem, then with the numbers from 2 on."""
    yield stem
    yield from (f"{stem}-{again}" for again in itertools.count(2))
