"""A folder's quota shared by those who write there at the same time: clips that grow, snapshots and lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable

from .quota import Quota

__all__ = ["Room"]

LOOKED_AFTER_S = 10.0  # the folder is looked through only once in a while for a line


class Room:
    """Says whether something fits, and keeps place for what grows; thread-safe."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._reserved: dict[Hashable, int] = {}
        self._checked, self._credit = float("-inf"), 0
        self._lock = threading.Lock()

    def settle(self) -> None:
        """Begin: without what a run left half-written and what is too old, counting on what the disk has now."""
        self._quota.clear_partials()
        self._quota = self._quota.settled()
        self._quota.make_room(0)

    def fits(self, size: int) -> bool:
        """Whether so many bytes fit, beside what is reserved."""
        with self._lock:
            self._credit = 0
            return self._quota.make_room(sum(self._reserved.values()) + size)

    def fits_a_line(self, size: int) -> bool:
        """The same for very little, which is asked often."""
        with self._lock:
            now = time.monotonic()
            if self._credit < size or now - self._checked > LOOKED_AFTER_S:
                self._checked = now
                want = max(min(65536, self._quota.most_bytes // 20), size)
                there = self._quota.make_room(sum(self._reserved.values()) + want)
                self._credit = want if there else 0
            self._credit -= size
            return self._credit >= 0

    def reserve(self, who: Hashable, size: int, spare: int) -> bool:
        """Keep so many bytes in all for somebody, and some to spare where they do not have them yet."""
        with self._lock:
            if size <= self._reserved.get(who, 0):
                return True
            want = size + min(spare, self._quota.most_bytes // 10)
            others = sum(kept for owner, kept in self._reserved.items() if owner != who)
            there = self._quota.make_room(others + want)
            if there:
                self._reserved[who] = want
            return there

    def release(self, who: Hashable) -> None:
        """What was reserved is written, or will not be."""
        with self._lock:
            self._reserved.pop(who, None)
