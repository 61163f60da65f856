import threading
import time

import pytest
from scripted import Scripted, picture

from edgelens.runtime.errors import SourceError
from edgelens.runtime.loop.feeds import Feeds


def drain(feeds: Feeds, seconds: float = 3.0) -> list[tuple[str, int]]:
    got, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends and not feeds.over:
        taken = feeds.take(0.1)
        if taken is not None:
            got.append((taken[0].name, taken[1].frame.index))
        else:
            feeds.check()
    feeds.check()
    return got


def test_a_file_is_given_completely_and_in_order():
    with Feeds([Scripted([picture(i) for i in range(50)])], print) as feeds:
        assert drain(feeds) == [("scripted", i) for i in range(50)]


def test_sources_are_served_in_turn():
    busy = Scripted([picture()] * 30, name="busy")
    other = Scripted([picture()] * 30, name="other")
    with Feeds([busy, other], print) as feeds:
        time.sleep(0.1)
        names = [name for name, _ in drain(feeds)]
    assert len(names) == 60
    assert all(names[i] != names[i + 1] for i in range(6))  # what waited in both slots


def test_a_lost_camera_is_opened_again_with_growing_waits_and_told_once():
    lost = SourceError("gone")
    camera = Scripted([picture(), 0.05, lost], [lost], [lost], [picture(), 9.0], live=True, name="cam")
    notices = []
    with Feeds([camera], notices.append) as feeds:
        start, got = time.monotonic(), []
        while len(got) < 2 and time.monotonic() - start < 5:
            taken = feeds.take(0.1)
            got += [taken] if taken else []
        took = time.monotonic() - start
        assert feeds.feeds[0].recoveries == 1
    assert [notice.kind for notice in notices] == ["lost", "back"]
    assert 0.25 + 0.5 < took < 2.5  # two failed attempts: .25 s, .5 s, 1 s apart
    assert camera.opened == 4


def test_a_camera_that_cannot_be_opened_at_all_is_an_error():
    source = Scripted([SourceError("no such camera")], live=True)
    with Feeds([source], print) as feeds, pytest.raises(SourceError, match="no such camera"):
        drain(feeds)


def test_of_several_cameras_one_may_come_later():
    late = Scripted([SourceError("off")], [picture(), 9.0], live=True, name="late")
    steady = Scripted([step for _ in range(100) for step in (picture(), 0.01)], live=True, name="steady")
    notices = []
    with Feeds([steady, late], notices.append) as feeds:
        names = {name for name, _ in drain(feeds, 1.0)}
    assert names == {"steady", "late"}
    assert [(each.source, each.kind) for each in notices] == [("late", "lost"), ("late", "back")]
    assert "off; trying again" in notices[0].text
    assert [feed.recoveries for feed in feeds.feeds] == [0, 0]


def test_a_broken_program_is_not_taken_for_a_lost_camera():
    source = Scripted([picture(), ZeroDivisionError()], live=True)
    with Feeds([source], print) as feeds, pytest.raises(ZeroDivisionError):
        drain(feeds)


def test_the_rate_limit_serves_the_newest_frame_when_it_is_due():
    steps = [step for _ in range(60) for step in (picture(), 0.01)]
    with Feeds([Scripted(steps, live=True)], print) as feeds:
        first = feeds.take(1)
        assert first is not None
        assert not feeds.held_back
        start = time.monotonic()
        first[0].not_before = start + 0.2
        time.sleep(0.05)
        assert feeds.held_back  # a service that looks seldom is alive
        second = feeds.take(1)
        assert second is not None
        assert 0.15 < time.monotonic() - start < 0.4
        assert second[1].frame.index > 8


def test_frames_that_a_source_passed_over_are_counted():
    class Gaps(Scripted):
        def read(self):
            frame = super().read()
            self._index += 2
            return frame

    with Feeds([Gaps([picture(), 0.05] * 4, live=True)], print) as feeds:
        time.sleep(0.4)
        slot = feeds.feeds[0].slot
        assert slot.captured >= 4 + 3 * 2


def test_leaving_does_not_wait_for_a_capture_that_hangs():
    hang = threading.Event()
    source = Scripted([picture(), lambda: hang.wait(5)], live=True)
    start = time.monotonic()
    with Feeds([source], print) as feeds:
        assert feeds.take(1) is not None
    assert time.monotonic() - start < 1
    assert feeds.blocked
    hang.set()
