"""Digests of learned pictures: exact of few, a fair share of many, in little room."""

from __future__ import annotations

import pytest

from edgelens.runtime.bundle.learned import learned_share, learned_to_bytes
from edgelens.runtime.errors import BundleError


def contents(first: int, end: int) -> list[bytes]:
    return [f"picture {i}".encode() for i in range(first, end)]


def test_of_few_pictures_the_share_is_exact() -> None:
    data = learned_to_bytes(contents(0, 40))
    assert len(data) == 160
    assert learned_share(data, contents(0, 40), "x.edge") == 1
    assert learned_share(data, contents(30, 50), "x.edge") == 0.5
    assert learned_share(data, contents(40, 90), "x.edge") == 0
    assert learned_share(b"", contents(0, 3), "x.edge") == 0


def test_of_many_it_is_near_and_the_entry_stays_small() -> None:
    data = learned_to_bytes(contents(0, 20_000))
    assert len(data) == 8000
    assert learned_share(data, contents(0, 20_000), "x.edge") == 1
    assert learned_share(data, contents(15_000, 25_000), "x.edge") == pytest.approx(0.5, abs=0.05)
    assert learned_share(data, contents(20_000, 40_000), "x.edge") == 0


def test_what_is_no_such_entry_is_refused_in_a_line() -> None:
    for data in (b"abc", bytes(8004)):
        with pytest.raises(BundleError, match=r"x\.edge: ext/learned\.bin is damaged"):
            learned_share(data, contents(0, 3), "x.edge")
