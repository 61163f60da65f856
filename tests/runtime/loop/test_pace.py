import itertools
import time
from types import SimpleNamespace

import pytest

from edgelens.runtime.loop.board import BoardReading
from edgelens.runtime.loop.heat import HeatPolicy
from edgelens.runtime.loop.pace import Pace


def test_without_limits_the_next_frame_is_due_at_once():
    assert Pace().next(0.0, None) == 0.0


def served(arrivals, max_fps, monkeypatch):
    """The moments of those frames that a source may be served, of frames that arrive at given moments."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("edgelens.runtime.loop.pace.time", clock)
    pace, due, moments = Pace(), 0.0, []
    for clock.now in arrivals:
        if clock.now >= due:
            due = pace.next(due, max_fps)
            moments.append(clock.now)
    return moments


@pytest.mark.parametrize("camera_fps", [12, 25, 30, 60])
def test_the_rate_is_the_one_that_was_asked_for_whatever_the_camera_s(camera_fps, monkeypatch):
    arrivals = [100 + i / camera_fps for i in range(20 * camera_fps)]
    assert len(served(arrivals, 10, monkeypatch)) == pytest.approx(200, abs=2)  # waiting a period each gives 25 fps 167
    assert len(served(arrivals, 1000, monkeypatch)) == len(arrivals)


def test_what_a_stall_cost_is_not_caught_up_with(monkeypatch):
    arrivals = [100 + i / 30 for i in range(90)] + [108 + i / 30 for i in range(90)]
    after = [moment for moment in served(arrivals, 10, monkeypatch) if moment >= 108]
    assert after[0] == 108
    assert all(later - earlier > 0.06 for earlier, later in itertools.pairwise(after))
    assert len(after) == pytest.approx(30, abs=1)


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
