import threading
import time

import pytest
from scripted import picture

from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.outlets import DEPTH, MOST_NOTICES, Outlets
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.protocol import Notice


class Kept:
    """A sink that keeps what it gets, and may be slow, hang or fail."""

    def __init__(self, name: str = "kept", *, gate: threading.Event | None = None, error: Exception | None = None):
        self.name, self.got, self.closed = name, [], False
        self._gate, self._error = gate, error

    def write(self, result):
        if self._gate is not None:
            self._gate.wait(10)
        if self._error is not None:
            raise self._error
        self.got.append(result.frame.index)

    def notice(self, notice):
        self.got.append(notice.kind)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.closed = True


def result(index: int) -> Result:
    return Result(Frame(picture(), index), Recognitions.nothing())


def dropped(outlets: Outlets) -> dict[str, int]:
    return {sink.name: sink.dropped for sink in outlets.status}


def test_a_slow_sink_loses_live_results_and_holds_nobody_up():
    gate = threading.Event()
    slow, quick = Kept("slow", gate=gate), Kept("quick")
    with Outlets([slow, quick]) as outlets:
        start = time.monotonic()
        for index in range(40):
            outlets.put(result(index), wait=False)
            time.sleep(0.001)
        assert time.monotonic() - start < 2
        lost = dropped(outlets)["slow"]
        assert 40 - DEPTH - 1 <= lost < 40
        gate.set()
    assert len(slow.got) == 40 - lost
    assert len(quick.got) + dropped(outlets)["quick"] == 40


def test_what_happens_to_a_source_is_heard_by_a_sink_that_is_behind():
    gate = threading.Event()
    slow = Kept("slow", gate=gate)
    with Outlets([slow]) as outlets:
        for index in range(3 * DEPTH):
            outlets.put(result(index), wait=False)
        for kind in ("lost", "back"):
            outlets.notice(Notice("cam", kind, "", 0.0))
        outlets.put(result(99), wait=False)
        dropped_by_then = dropped(outlets)["slow"]
        gate.set()
    assert slow.got[-2:] == ["lost", "back"]
    assert len(slow.got) - 2 + dropped_by_then == 3 * DEPTH + 1, "and no result had to go for it"


def test_a_sink_that_fails_keeps_what_happened_and_not_without_end():
    bad = Kept("bad", error=OSError(28, "No space left on device"))
    with Outlets([bad], say=lambda line: None) as outlets:
        outlets.put(result(0), wait=False)
        time.sleep(0.1)  # it has failed, and is left alone for a while
        outlets.notice(Notice("cam", "lost", "", 0.0))
        for index in range(3 * DEPTH):
            outlets.put(result(index), wait=False)
        for _ in range(2 * MOST_NOTICES):
            outlets.notice(Notice("cam", "back", "", 0.0))
        assert outlets._outlets[0].left <= DEPTH + MOST_NOTICES
        outlets.put(result(99), wait=False)
    assert set(bad.got) == {"back"}
    assert len(bad.got) == MOST_NOTICES
    (status,) = outlets.status
    assert (status.lost, status.dropped) == (3 * DEPTH + 2, 0)


def test_a_file_s_results_all_arrive_in_order():
    class Slow(Kept):
        def write(self, result):
            time.sleep(0.002)
            super().write(result)

    sink = Slow()
    with Outlets([sink]) as outlets:
        for index in range(60):
            outlets.put(result(index), wait=True)
    assert sink.got == list(range(60))
    assert sink.closed


def test_a_sink_that_fails_is_told_and_the_others_go_on():
    bad, good = Kept("bad", error=OSError(28, "No space left on device")), Kept("good")
    said = []
    with Outlets([bad, good], say=said.append) as outlets:
        for index in range(30):
            outlets.put(result(index), wait=True)
        (failing,) = [sink for sink in outlets.status if sink.error]
        assert (failing.name, failing.error) == ("bad", "results: No space left on device")
    assert said == ["bad: results could not be kept: No space left on device; trying again"]
    assert good.got == list(range(30))
    assert outlets.failures == ("bad: 30 results lost: No space left on device",)
    assert bad.closed
    assert not outlets.over


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("an odd shape")])
def test_a_sink_that_failed_for_a_while_goes_on_and_says_so(error):
    class Passing(Kept):
        def write(self, result):
            if result.frame.index < 2:
                raise error
            super().write(result)

    sink, said = Passing("disk"), []
    with Outlets([sink], say=said.append) as outlets:
        for index in range(DEPTH):
            outlets.put(result(index), wait=False)
        deadline = time.monotonic() + 10
        while len(sink.got) < DEPTH - 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        status = outlets.status[0]
    assert sink.got == list(range(2, DEPTH))
    assert (status.lost, status.error, status.dropped) == (2, "", 0)
    assert "could not be kept" in said[0]
    assert said[1:] == ["disk: works again; 2 results were lost"]


def test_what_does_not_fit_into_the_queue_of_a_sink_that_fails_is_lost_not_dropped():
    bad = Kept("bad", error=OSError(28, "No space left on device"))
    with Outlets([bad], say=lambda line: None) as outlets:
        for index in range(100):
            outlets.put(result(index), wait=True)  # a file's results do not wait for a sink that fails
    (status,) = outlets.status
    assert (status.lost, status.dropped) == (100, 0)


def test_a_sink_that_fails_by_turns_is_not_said_every_time():
    class Turns(Kept):
        def write(self, result):
            if result.frame.index % 2:
                raise OSError(5, "Input/output error")

    said = []
    with Outlets([Turns("card")], say=said.append) as outlets:
        for index in range(DEPTH):
            outlets.put(result(index), wait=False)
    assert len(said) == 2
    assert outlets.status[0].lost == DEPTH // 2


def test_a_reader_that_has_seen_enough_ends_the_run():
    with Outlets([Kept(error=BrokenPipeError())]) as outlets:
        outlets.put(result(0), wait=True)
        time.sleep(0.1)
        assert outlets.over
    assert outlets.failures == ()


def test_a_stopped_run_does_not_wait_for_a_sink_that_hangs():
    gate = threading.Event()
    hanging, other = Kept("hanging", gate=gate), Kept("other")
    start = time.monotonic()
    with Outlets([hanging, other], lambda: True) as outlets:
        for index in range(DEPTH):
            outlets.put(result(index), wait=True)
    assert time.monotonic() - start < 1
    assert other.closed
    assert not hanging.closed
    assert outlets.failures == ("hanging: did not end in time; what it kept last may be damaged",)
    gate.set()


def test_a_stopped_run_waits_for_a_sink_that_is_only_slow():
    slow = Kept("slow")
    write = slow.write
    slow.write = lambda result: (time.sleep(0.25), write(result))
    with Outlets([slow], lambda: True) as outlets:
        for index in range(DEPTH):
            outlets.put(result(index), wait=False)
    assert slow.got == list(range(DEPTH))
    assert slow.closed
    assert outlets.failures == ()


def test_notices_come_between_results():
    sink = Kept()
    with Outlets([sink]) as outlets:
        outlets.put(result(0), wait=True)
        outlets.notice(Notice("cam", "lost", "", 0.0))
        outlets.put(result(1), wait=True)
    assert sink.got == [0, "lost", 1]
