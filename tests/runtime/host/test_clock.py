"""The time that files are stamped with, and what a build says it is."""

import datetime as dt

import pytest

from edgelens.runtime.host.clock import now


def test_a_build_says_the_time(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert now() == "1970-01-02T00:00:00Z"


@pytest.mark.parametrize("said", ["", "today", "-5", "²", "9" * 14, "9" * 40])
def test_what_is_no_time_is_passed_over(said, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
    assert now()[:2] == str(dt.datetime.now(dt.timezone.utc).year)[:2]
