import time

from edgelens.runtime.loop.board import BoardReading
from edgelens.runtime.loop.heat import HeatPolicy
from edgelens.runtime.loop.pace import Pace


def test_without_limits_the_next_frame_is_due_at_once():
    assert Pace().next(0.0, None) == 0.0


def test_the_rate_keeps_its_grid_and_does_not_catch_up():
    pace, now = Pace(), time.monotonic()
    assert pace.next(now - 0.01, 10) - now == now - 0.01 + 0.1 - now
    late = pace.next(now - 5, 10)
    assert 0.09 < late - now < 0.2


def test_heat_lowers_the_rate_and_says_so():
    class Oven:
        def read(self):
            return BoardReading(temperature_c=91.0)

    pace = Pace(Oven, lambda: HeatPolicy(limit_c=80, full_fps=30))
    assert pace.next(0.0, None) == 0.0  # the first frame waits for no sensor
    due = pace.next(0.0, None)
    assert pace.slowed_to is not None
    assert pace.slowed_to < 30
    assert due > time.monotonic()
    assert len(pace.news()) == 1
    assert pace.news() == []
    assert pace.reading.temperature_c == 91.0
