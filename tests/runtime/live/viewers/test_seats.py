"""Seats are shared by address: who holds many makes room for who holds few, and for nobody else."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from edgelens.runtime.live.viewers.seats import NoSeatError, Seats


def test_the_newest_of_the_address_that_holds_most_gets_up_for_who_has_fewer() -> None:
    seats, left = Seats(4), list[str]()
    with ExitStack() as stack:

        def sit(address: str, name: str) -> None:
            stack.enter_context(seats.seat(address, lambda: left.append(name)))

        for name in "abcd":
            sit("192.0.2.1", name)
        with pytest.raises(NoSeatError):
            sit("192.0.2.1", "e")
        sit("192.0.2.2", "f")
        sit("192.0.2.2", "g")
        assert left == ["d", "c"]
        with pytest.raises(NoSeatError):  # two and two: nobody holds too many
            sit("192.0.2.2", "h")
        sit("2001:db8::1", "i")
        assert left == ["d", "c", "b"], "of two that hold as many, who came first"
    with ExitStack() as stack:  # all are free again, also those that were given up
        for _ in range(4):
            stack.enter_context(seats.seat("192.0.2.1", lambda: None))
