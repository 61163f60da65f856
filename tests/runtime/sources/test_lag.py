"""A picture out of a buffer is told from one that came at once."""

import pytest

from edgelens.runtime.sources.lag import STALE_S, Lag


def test_lag_is_measured_against_the_fastest_pictures():
    lag = Lag()
    assert lag.late(100.0, 10.0) == 0
    assert lag.late(100.1, 10.1) == pytest.approx(0, abs=1e-3)
    assert lag.late(103.2, 10.2) == pytest.approx(3.0, abs=1e-2)  # came out of a buffer
    assert lag.late(103.25, 13.25) == pytest.approx(0, abs=2e-3)


def test_a_clock_that_was_set_is_not_taken_for_lag_for_long():
    lag = Lag()
    late = [lag.late(100 + i / 10, 50 + i / 10 - (20 if i > 20 else 0)) for i in range(100)]
    assert late[25] > STALE_S
    assert late[-1] < STALE_S


@pytest.mark.parametrize("odd", [0, 3, 40, 95])
def test_one_time_stamp_that_is_late_does_not_make_the_others_early(odd):
    lag = Lag()
    late = [lag.late(100 + i / 30, 50 + i / 30 + (0.007 if i == odd else 0)) for i in range(120)]
    assert late[odd] == 0
    assert max(late[max(odd, 10) + 1 :]) < 1e-4


def test_a_buffer_that_fills_up_for_seconds_stays_known():
    lag = Lag()
    late = [lag.late(100 + i / 30 + (0.4 if i >= 60 else 0), 50 + i / 30) for i in range(160)]
    assert max(late[:60]) < 1e-6
    assert late[-1] == pytest.approx(0.4, abs=2e-3)
