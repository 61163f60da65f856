"""Everybody who holds a connection: who is being answered, who only waits, and who makes room when there is none.

Lives on the server's event loop. A place is taken before anything is made for a connection; the one that gives its
place is the longest waiting of the address that holds most, so that one that floods crowds out itself first. Who has
asked waits for nobody else's sake, except where one address holds twice what the newcomer's has.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .budget import Budget

__all__ = ["Crowd", "Guest", "counted_as"]


@dataclass(eq=False)
class Guest:
    """One connection; `close` ends it at once, whatever has been made for it by then."""

    address: str
    close: Callable[[], None]
    kept_free: bool = False  # has one of the places for health
    since: float = field(default_factory=time.monotonic)  # of what it does now: waiting, or not taking its answer
    unsent: Callable[[], int] = lambda: 0  # bytes of its answers that it has not taken yet
    left: int = 0  # of them when it was looked at last

    def look(self, now: float) -> None:
        """Whoever took some of an answer since the last look is as patient as one who has just begun."""
        before, self.left = self.left, self.unsent()
        if self.left < before:
            self.since = now


class Crowd:
    """The places of one server."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._addresses: Counter[str] = Counter()
        self._kept_free = 0
        self._inside: dict[Guest, None] = {}  # longest first
        self._waiting: dict[Guest, None] = {}  # without a request under way, longest first
        self._stalled: dict[Guest, None] = {}  # their answers are not taken, longest first

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, address: str, close: Callable[[], None], *, asks_health: bool = False) -> Guest | None:
        """A place for a newcomer, who waits at first; None where everybody inside is busy."""
        guest = Guest(counted_as(address), close, asks_health and self._kept_free < self._budget.for_health)
        while not guest.kept_free and len(self._inside) - self._kept_free >= self._budget.connections:
            if not self._make_room(guest.address):
                return None
        self._inside[guest] = None
        self._kept_free += guest.kept_free
        self._addresses[guest.address] += 1
        self._waiting[guest] = None
        return guest

    def waits(self, guest: Guest) -> None:
        """From now on it has nothing under way, or has begun to ask."""
        self._waiting.pop(guest, None)
        if guest in self._inside:
            guest.since = time.monotonic()
            self._waiting[guest] = None

    def busy(self, guest: Guest) -> None:
        """It has asked, and is answered in its turn."""
        self._waiting.pop(guest, None)

    def idles(self, guest: Guest) -> None:
        """What came from it was no request yet: it waits, since when it waited already."""
        if guest not in self._waiting:
            self.waits(guest)

    def stalls(self, guest: Guest, stalls: bool) -> None:
        """Whether it takes nothing of its answer at the moment."""
        self._stalled.pop(guest, None)
        if stalls and guest in self._inside:
            guest.since = time.monotonic()
            self._stalled[guest] = None

    def leave(self, guest: Guest) -> None:
        """Its connection is gone."""
        if guest not in self._inside:
            return
        del self._inside[guest]
        self._kept_free -= guest.kept_free
        self._waiting.pop(guest, None)
        self._stalled.pop(guest, None)
        self._addresses[guest.address] -= 1
        if not self._addresses[guest.address]:
            del self._addresses[guest.address]

    def tend(self) -> None:
        """End what has waited or stalled for too long; called a few times a second."""
        now = time.monotonic()
        for guest in {**self._waiting, **self._stalled}:
            guest.look(now)
            takes = guest.left or guest in self._stalled
            if guest.since <= now - (self._budget.stalled_s if takes else self._budget.head_s):
                self._end(guest)

    def _make_room(self, newcomer: str) -> bool:
        most = max(self._addresses, key=self._addresses.__getitem__)
        for guests in (self._waiting, self._stalled):
            for guest in guests:
                if guest.address == most:
                    self._end(guest)
                    return True
        for guest in (*self._waiting, *self._stalled):
            self._end(guest)
            return True
        if self._addresses[most] <= 2 * (self._addresses.get(newcomer, 0) + 1):
            return False
        self._end(next(guest for guest in reversed(self._inside) if guest.address == most))
        return True

    def _end(self, guest: Guest) -> None:
        self.leave(guest)
        guest.close()


def counted_as(address: str) -> str:
    """Whom an address is counted as: an IPv6 host has a whole /64 of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
