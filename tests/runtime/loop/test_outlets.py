import threading
import time

from scripted import picture

from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.outlets import DEPTH, Outlets
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


def test_a_slow_sink_loses_live_results_and_holds_nobody_up():
    gate = threading.Event()
    slow, quick = Kept("slow", gate=gate), Kept("quick")
    with Outlets([slow, quick]) as outlets:
        start = time.monotonic()
        for index in range(40):
            outlets.put(result(index), wait=False)
            time.sleep(0.001)
        assert time.monotonic() - start < 2
        dropped = outlets.dropped["slow"]
        assert 40 - DEPTH - 1 <= dropped < 40
        gate.set()
    assert len(slow.got) == 40 - dropped
    assert len(quick.got) + outlets.dropped["quick"] == 40


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
    with Outlets([bad, good]) as outlets:
        for index in range(30):
            outlets.put(result(index), wait=True)
    assert good.got == list(range(30))
    assert outlets.failures == ("bad: No space left on device",)
    assert bad.closed
    assert not outlets.over


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
    gate.set()


def test_notices_come_between_results():
    sink = Kept()
    with Outlets([sink]) as outlets:
        outlets.put(result(0), wait=True)
        outlets.notice(Notice("cam", "lost", "", 0.0))
        outlets.put(result(1), wait=True)
    assert sink.got == [0, "lost", 1]
