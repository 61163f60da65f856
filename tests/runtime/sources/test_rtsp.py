import time

import pytest
from cameras import Camera, has_rtsp, wait_until
from clock_pixels import read

from edgelens.runtime.errors import SourceError
from edgelens.runtime.feeds import Feeds
from edgelens.runtime.sources.rtsp import STALE_S, Lag, RtspStream

needs_server = pytest.mark.skipif(not has_rtsp(), reason="GStreamer's RTSP server for Python is not installed")


@needs_server
def test_pictures_tell_their_true_age():
    with Camera("rtsp", "30") as camera, RtspStream(camera.url) as stream:
        errors = []
        for _ in range(45):
            frame = stream.read()
            errors.append(frame.captured - read(frame.image))
    errors.sort()
    assert -0.01 < errors[len(errors) // 2] < 0.02


@needs_server
def test_a_cut_camera_comes_back_with_fresh_pictures():
    notices = []
    with Camera("rtsp") as camera, Feeds([RtspStream(camera.url)], notices.append) as feeds:
        wait_until(lambda: feeds.take(0.1), 10)
        camera.cut()
        wait_until(lambda: feeds.take(0.05) is None and any(n.kind == "lost" for n in notices), 10)
        returned = time.monotonic()
        camera.start()
        started = time.monotonic()
        taken = wait_until(lambda: feeds.take(0.1), 15)
        assert time.monotonic() - started < 6
        assert read(taken[1].frame.image) > returned
        assert feeds.feeds[0].recoveries == 1


def test_nobody_there_is_one_line_without_the_password():
    lost = pytest.raises(SourceError, match=r"rtsp://127\.0\.0\.1:9/x: cannot be opened")
    with lost as error, RtspStream("rtsp://joe:hush@127.0.0.1:9/x"):
        pass
    assert "hush" not in str(error.value)


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
