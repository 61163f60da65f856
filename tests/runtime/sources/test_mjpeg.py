import time

import pytest
from cameras import Camera, wait_until
from clock_pixels import read

from edgelens.runtime.errors import SourceError
from edgelens.runtime.loop.feeds import Feeds
from edgelens.runtime.sources.mjpeg import MjpegStream


def test_pictures_are_fresh_and_their_age_is_true():
    with Camera("mjpeg", "--fps", "25") as camera, MjpegStream(camera.url) as stream:
        errors = []
        for _ in range(20):
            frame = stream.read()
            errors.append(frame.captured - read(frame.image))
    errors.sort()
    assert errors[0] >= 0
    assert errors[len(errors) // 2] < 0.02  # encoding and sending, on a busy machine


def test_when_decoding_is_slower_than_the_camera_older_pictures_are_passed_over():
    with Camera("mjpeg", "--fps", "50") as camera, MjpegStream(camera.url) as stream:
        stream.read()
        time.sleep(0.5)
        frame = stream.read()
        assert frame.index > 5
        for _ in range(6):
            frame = stream.read()
        assert time.monotonic() - read(frame.image) < 0.3


@pytest.mark.parametrize("arguments", [["--no-length"], ["--login", "basic"], ["--login", "digest"]])
def test_kinds_of_servers(arguments):
    with Camera("mjpeg", *arguments) as camera:
        url = camera.url.replace("//", "//viewer:s3cret%3Aword@")
        with MjpegStream(url) as stream:
            assert stream.read().size == (480, 640)
            assert "s3cret" not in stream.name
        moved = camera.url.replace("/stream", "/moved").replace("//", "//viewer:s3cret%3Aword@")
        with MjpegStream(moved) as stream:
            assert stream.read() is not None


def test_a_still_picture_is_fetched_again_and_again():
    with Camera("mjpeg", "--still") as camera, MjpegStream(camera.url) as stream:
        first, second = read(stream.read().image), read(stream.read().image)
    assert second > first


@pytest.mark.parametrize("login", ["", "viewer:wrong@"])
def test_a_wrong_login_is_said_without_the_password(login):
    refused = pytest.raises(SourceError, match=r"answered 401|without end")
    with Camera("mjpeg", "--login", "digest") as camera, refused as error:
        MjpegStream(camera.url.replace("//", f"//{login}")).__enter__()
    assert "wrong" not in str(error.value)


def test_nobody_there_is_said_at_once():
    start = time.monotonic()
    with pytest.raises(SourceError, match="cannot be reached"), MjpegStream("http://127.0.0.1:9/x"):
        pass
    assert time.monotonic() - start < 2


def test_the_stream_s_end_is_an_end():
    with Camera("mjpeg", "--count", "3", "--fps", "60") as camera, MjpegStream(camera.url) as stream:
        frames = [stream.read() for _ in range(4)]
    assert frames[-1] is None


@pytest.mark.parametrize("how", ["stall", "cut"])
def test_a_lost_camera_comes_back_with_fresh_pictures(how):
    notices, newest = [], [0.0]
    with Camera("mjpeg") as camera, Feeds([MjpegStream(camera.url)], notices.append) as feeds:

        def fresh(since: float) -> bool:
            taken = feeds.take(0.05)
            if taken is not None:
                newest[0] = read(taken[1].frame.image)
                assert time.monotonic() - newest[0] < 1.5 or newest[0] < since
            return newest[0] > since

        wait_until(lambda: fresh(1.0), 5)
        (camera.stall if how == "stall" else camera.cut)()
        lost = time.monotonic()
        wait_until(lambda: fresh(lost + 3600) or any(n.kind == "lost" for n in notices), 6)
        returned = time.monotonic()
        (camera.go_on if how == "stall" else camera.start)()
        started = time.monotonic()
        wait_until(lambda: fresh(returned), 10)
        assert time.monotonic() - started < 3
        assert feeds.feeds[0].recoveries == 1
    assert [notice.kind for notice in notices] == ["lost", "back"]
