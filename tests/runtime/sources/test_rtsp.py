import contextlib
import os
import re
import socket
import ssl
import threading
import time

import cv2
import numpy as np
import pytest
from cameras import Camera, has_rtsp, wait_until
from certificate import certificate
from clock_pixels import read
from rtsp_tamper import Tamper

from edgelens.runtime.errors import SourceError
from edgelens.runtime.loop.feeds import Feeds
from edgelens.runtime.sources.rtsp import RtspStream

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


def ages_of(stream, count):
    """How late pictures were given, and how far their dates are off (seconds each)."""
    late, off = [], []
    while len(late) < count:
        frame = stream.read()
        late.append(time.monotonic() - read(frame.image))
        off.append(frame.captured - read(frame.image))
    return np.array(late), np.array(off)


def ages_in_step(stream, count, most, limit):
    """`ages_of` the latest pictures, once they come in time: an encoder that starts beside other work is behind."""
    late, off = ages_of(stream, count)
    for _ in range(most - count):
        if np.median(late) < limit:
            break
        late, off = (np.append(old[1:], new) for old, new in zip((late, off), ages_of(stream, 1), strict=True))
    return late, off


@needs_server
@pytest.mark.parametrize(
    ("codec", "encoder"),
    [
        ("h264", "x264enc"),
        ("h264-audio", "alawenc"),
        ("h264-slices", "x264enc"),
        ("h265", "x265enc"),
        ("mjpeg", "jpegenc"),
    ],
)
def test_pictures_come_as_soon_as_they_are_complete(codec, encoder):
    if not has_rtsp(encoder):
        pytest.skip(f"GStreamer has no {encoder} here")
    complaints = []
    with Camera("rtsp", "10", codec) as camera, RtspStream(camera.url, complain=complaints.append) as stream:
        late, off = ages_in_step(stream, 12, 80, 0.05)
    assert np.median(late) < 0.05  # the period is .1
    assert -0.01 < np.median(off) < 0.03
    assert complaints == []


@needs_server
@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_login_is_given_by_the_relay(login):
    with Camera("rtsp", "10", "h264", login) as camera:
        with RtspStream(camera.url.replace("//", "//joe:hush@")) as stream:
            assert np.median(ages_of(stream, 5)[0]) < 0.05
        lost = pytest.raises(SourceError, match="cannot be opened: is it there, are address, user and password right")
        with lost as error, RtspStream(camera.url.replace("//", "//joe:wrong@")):
            pass
    assert "wrong" not in str(error.value)


@needs_server
def test_a_camera_that_marks_every_packet_is_taken_directly():
    def mark(piece):
        return piece[:5] + bytes([piece[5] | 0x80]) + piece[6:] if piece[:2] == b"$\0" else piece

    complaints = []
    with Camera("rtsp", "10", "h264-slices") as camera, Tamper(camera.url, mark) as tamper:
        stream = RtspStream(tamper.url, complain=complaints.append)
        with Feeds([stream], complaints.append) as feeds:
            wait_until(lambda: complaints and (taken := feeds.take(0.1)) and read(taken[1].frame.image) > 0, 10)
    assert "taken directly from now on" in complaints[0]


@needs_server
def test_a_camera_with_pictures_out_of_order_is_taken_directly():
    complaints = []
    with Camera("rtsp", "10", "h264-b") as camera, RtspStream(camera.url, complain=complaints.append) as stream:
        _, off = ages_of(stream, 10)
    # what the encoder holds back cannot be known, but it is the same for all
    assert np.ptp(np.percentile(off, [20, 80])) < 0.05
    assert len(complaints) == 1
    assert "another order" in complaints[0]


@needs_server
def test_key_pictures_may_be_rare():
    with Camera("rtsp", "10", "h264-rare-keys") as camera:
        begun = time.monotonic()
        with RtspStream(camera.url) as first:
            assert first.read() is not None
            assert time.monotonic() - begun < 2  # the one that begins the stream is not missed
            with RtspStream(camera.url) as second:  # this one comes between two, which are 4 s apart
                assert second.read() is not None


@needs_server
def test_where_the_relay_fails_and_a_direct_connection_does_not_the_camera_is_taken_directly():
    complaints = []
    with Camera("rtsp", "10") as camera, Tamper(camera.url, turned_away=2) as tamper:
        stream = RtspStream(tamper.url, complain=complaints.append)
        for _ in range(2):
            with stream:
                _, off = ages_of(stream, 8)
            assert -0.01 < np.median(off) < 0.03
        assert tamper.connections == 4  # the second time without the relay at once
    assert len(complaints) == 1
    assert "taken directly from now on" in complaints[0]


@needs_server
def test_a_relay_that_has_served_is_not_given_up_when_the_camera_is_away_for_once():
    complaints = []
    with Camera("rtsp", "10") as camera, Tamper(camera.url) as tamper:
        stream = RtspStream(tamper.url, complain=complaints.append)
        with stream:
            stream.read()
        tamper.turned_away = tamper.connections + 2
        with pytest.raises(SourceError), stream:
            pass
        with stream:
            assert np.median(ages_of(stream, 5)[0]) < 0.05
    assert complaints == []


@needs_server
def test_a_camera_that_sends_its_viewers_elsewhere():
    with Camera("rtsp", "10") as camera:
        moved = f"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {camera.url}\r\n\r\n".encode()
        tamper, complaints = Tamper(camera.url, lambda piece: moved if piece.startswith(b"RTSP") else piece), []
        with tamper, RtspStream(tamper.url, complain=complaints.append) as stream:
            _, off = ages_of(stream, 8)
    assert -0.01 < np.median(off) < 0.03
    assert "another address; taken directly" in complaints[0]


@needs_server
def test_the_users_own_transport_goes_without_a_relay(monkeypatch):
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;udp")
    complaints = []
    with Camera("rtsp", "10") as camera, RtspStream(camera.url, complain=complaints.append) as stream:
        assert not any(thread.name == "rtsp relay" for thread in threading.enumerate())
        assert stream.read() is not None
    assert complaints == []


@needs_server
def test_nothing_is_left_when_a_stream_is_closed_and_a_waiting_read_is_interrupted():
    with Camera("rtsp", "10") as camera:
        stream, files = RtspStream(camera.url), []
        for _ in range(3):
            with stream:
                stream.read()
                camera.stall()
                timer = threading.Timer(0.3, stream.interrupt)
                timer.start()
                begun = time.monotonic()
                while stream.read() is not None:
                    pass
                assert time.monotonic() - begun < 1
            camera.go_on()
            timer.join()
            files.append(len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0)
        assert files[2] <= files[0]
        assert not any(thread.name == "rtsp relay" for thread in threading.enumerate())


@needs_server
def test_a_stalled_camera_comes_back_with_fresh_pictures():
    notices = []
    with Camera("rtsp") as camera, Feeds([RtspStream(camera.url)], notices.append) as feeds:
        wait_until(lambda: feeds.take(0.1), 10)
        camera.stall()
        wait_until(lambda: feeds.take(0.05) is None and any(n.kind == "lost" for n in notices), 10)
        returned = time.monotonic()
        camera.go_on()
        taken = wait_until(lambda: feeds.take(0.1), 15)
        assert time.monotonic() - returned < 6
        assert read(taken[1].frame.image) > returned - 0.1
        assert feeds.feeds[0].recoveries == 1


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


@pytest.mark.parametrize("host", ["127.0.0.1:9", "no..name", "name.invalid"])
def test_nobody_there_is_one_line_without_the_password(host):
    lost = pytest.raises(SourceError, match=rf"rtsp://{host}/x: cannot be opened")
    with lost as error, RtspStream(f"rtsp://joe:hush@{host}/x"):
        pass
    assert "hush" not in str(error.value)


class Moved:
    """An RTSP camera that sends everybody elsewhere, or asks for a log-in; it keeps what it was asked."""

    def __init__(self, answer, tls=None):
        self.answer, self.asked, self._tls = answer, [], None
        if tls is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(tls.cert, tls.key)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._spoken(line) as line:
                line.settimeout(3)
                while text := line.recv(4096).decode("latin-1"):
                    self.asked.append(text)
                    number = re.search(r"CSeq: (\d+)", text)[1]
                    said = self.answer if text.startswith("DESCRIBE") else "200 OK\r\nPublic: DESCRIBE"
                    line.sendall(f"RTSP/1.0 {said}\r\nCSeq: {number}\r\nContent-Length: 0\r\n\r\n".encode())

    def _spoken(self, line):
        return line if self._tls is None else self._tls.wrap_socket(line, server_side=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()


BASIC = '401 No\r\nWWW-Authenticate: Basic realm="x"'


@pytest.mark.parametrize("transport", [None, "rtsp_transport;udp", "rtsp_transport;tcp|flags;low_delay"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # another port of the same host is another place, too
@pytest.mark.parametrize("kind", ["rtsp", "rtsps"])
def test_a_camera_that_sends_its_viewers_elsewhere_does_not_give_the_log_in_along(monkeypatch, kind, host, transport):
    if transport is not None:
        monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", transport)
    with Moved(BASIC) as other:
        with Moved(f"302 Moved\r\nLocation: {kind}://{host}:{other.port}/x") as camera:
            url = f"rtsp://viewer:s3cret@127.0.0.1:{camera.port}/live"
            said = f"sends its viewers to {host}:{other.port}: it is not given this one's log-in"
            with pytest.raises(SourceError, match=said):
                RtspStream(url).__enter__()
        assert other.asked == []
        assert camera.asked


def test_one_over_tls_is_held_to_the_same(tmp_path):
    tls = certificate(tmp_path)
    with Moved(BASIC) as other:
        moved = f"302 Moved\r\nLocation: rtsp://localhost:{other.port}/x"  # not even encrypted any more
        with Moved(moved, tls) as camera, pytest.raises(SourceError, match="it is not given this one's log-in"):
            RtspStream(f"rtsps://viewer:s3cret@localhost:{camera.port}/live").__enter__()
        assert other.asked == []
        assert camera.asked[0].startswith(f"DESCRIBE rtsps://localhost:{camera.port}/live ")


@pytest.mark.parametrize(
    "place", ["file://{clip}", "{clip}", "http://127.0.0.1:1/x", "concat:{clip}", "rtsp://", "\x1b"]
)
@pytest.mark.parametrize("login", ["", "viewer:s3cret@"])
def test_no_camera_makes_a_file_of_this_machine_its_picture(tmp_path, place, login):
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    with Moved(f"302 Moved\r\nLocation: {place.format(clip=clip)}") as camera, pytest.raises(SourceError) as error:
        RtspStream(f"rtsp://{login}127.0.0.1:{camera.port}/live").__enter__()
    assert str(error.value).isprintable() and "s3cret" not in str(error.value)


def test_redirects_on_the_camera_itself_end():
    with Moved("302 Moved\r\nLocation: /other") as camera:
        with pytest.raises(SourceError, match="it is not given this one's log-in"):
            RtspStream(f"rtsp://viewer:s3cret@127.0.0.1:{camera.port}/live").__enter__()
        asked = [text.split()[1].rpartition("/")[2] for text in camera.asked if text.startswith("DESCRIBE")]
        assert asked[:2] == ["live", "live"], "by FFmpeg through the relay, and before it goes by itself"
        assert set(asked[2:]) == {"other"} and len(asked) < 9
