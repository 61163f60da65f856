"""Seats for those who look or listen: so many in all, and where they are short nobody has twice what another has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..http.crowd import counted_as

__all__ = ["NoSeatError", "Seats"]


class NoSeatError(Exception):
    """Every seat is taken, and by nobody who holds too many."""


class Seats:
    """The seats of one stream. Touched by the event loop's thread alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[object, tuple[str, Callable[[], None]]] = {}  # longest first

    @contextmanager
    def seat(self, address: str, leave: Callable[[], None]) -> Iterator[None]:
        """A seat as long as this is entered; `leave` is called when another needs it."""
        who, seat = counted_as(address), object()
        if len(self._taken) >= self._most and not self._made_room(who):
            raise NoSeatError
        self._taken[seat] = who, leave
        try:
            yield
        finally:
            self._taken.pop(seat, None)

    def _made_room(self, who: str) -> bool:
        """Whether the newest of the address that holds most got up for one that has fewer."""
        held = Counter(address for address, _ in self._taken.values())
        greedy = max(held, key=held.__getitem__)
        if held[who] + 1 >= held[greedy]:
            return False
        newest = next(seat for seat in reversed(self._taken) if self._taken[seat][0] == greedy)
        self._taken.pop(newest)[1]()
        return True
