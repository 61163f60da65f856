"""Patience with wrong tokens: an address that offers many is told to wait."""

from __future__ import annotations

import time
from collections import OrderedDict

from .crowd import counted_as

__all__ = ["Failures"]

ADDRESSES = 4096  # remembered at one time


class Failures:
    """Counts wrong tokens an address. The right token is never asked about here: it is let in whatever came before."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most, self._window_s = most, window_s
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def blocked(self, address: str) -> bool:
        """Whether this address has guessed wrong too often lately."""
        count, since = self._seen.get(counted_as(address), (0, 0.0))
        return count >= self._most and time.monotonic() - since < self._window_s

    def add(self, address: str) -> None:
        """Count a wrong token."""
        now, who = time.monotonic(), counted_as(address)
        count, since = self._seen.pop(who, (0, now))
        self._seen[who] = (count + 1, since) if now - since < self._window_s else (1, now)
        while len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)
