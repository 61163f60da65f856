import socket
import threading
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


class Answering:
    """A server that gives each request the next of some answers, and keeps what it was asked."""

    def __init__(self, *answers: bytes):
        self.answers, self.asked = list(answers), []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        for answer in self.answers:
            try:
                connection, _ = self._door.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(65536).decode("latin-1"))
                connection.sendall(answer)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()


def challenge(kind: str) -> bytes:
    return f"HTTP/1.1 401 No\r\nWWW-Authenticate: {kind}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("kind", ["Basic realm=x", 'Digest realm="x", nonce="y", qop="auth"'])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # another port of the same host is another place, too
def test_a_redirect_elsewhere_does_not_get_the_log_in(kind, host):
    with Answering(challenge(kind)) as other:
        place = f"http://{host}:{other.port}/x\x1b[2J"
        moved = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
        with Answering(moved) as camera, pytest.raises(SourceError) as error:
            MjpegStream(f"http://viewer:s3cret@127.0.0.1:{camera.port}/stream").__enter__()
        assert "asks for a log-in: it is not given this one's" in str(error.value)
        assert str(error.value).isprintable()
    assert len(other.asked) == 1
    assert "uthorization" not in "".join(other.asked + camera.asked)


@pytest.mark.parametrize("between", ["\r\nWWW-Authenticate: ", ", "])
@pytest.mark.parametrize("first", ["Negotiate", 'Basic realm="x"'])
def test_of_what_a_camera_offers_the_safest_is_taken(first, between):
    good = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n"
    with (
        Answering(challenge(f'{first}{between}Digest realm="x", nonce="y"'), good) as camera,
        MjpegStream(f"http://viewer:s3cret@127.0.0.1:{camera.port}/stream"),
    ):
        pass
    assert 'Authorization: Digest username="viewer", realm="x", nonce="y"' in camera.asked[1]


def test_a_redirect_on_the_camera_itself_keeps_the_log_in():
    with Answering(
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", challenge("Basic realm=x"),
        b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n",
    ) as camera, MjpegStream(f"http://viewer:s3cret@127.0.0.1:{camera.port}/stream"):  # fmt: skip
        pass
    assert "Authorization: Basic" in camera.asked[2]


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 500 \x1b]0;evil\x07\x1b[2J\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/\x1b[31mhtml\r\n\r\n",
    b"\x1b[2J no http\r\n\r\n",
    b"HTTP/1.1 302 F\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 F\r\nLocation: http://x:99999999/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
])  # fmt: skip
def test_what_a_camera_says_does_not_reach_the_terminal(answer):
    with Answering(*[answer] * 9) as camera, pytest.raises(SourceError) as error:
        MjpegStream(f"http://viewer:s3cret@127.0.0.1:{camera.port}/caf\xe9 x?pwd=hush").__enter__()
    said = str(error.value)
    assert said.isprintable()
    assert len(said) < 300
    assert "hush" not in said
    assert camera.asked[0].startswith("GET /caf%C3%A9%20x?pwd=hush HTTP/1.1\r\n")


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
