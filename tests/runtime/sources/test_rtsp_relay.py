"""The relay carries everything both ways, ends with either side, and buffers no more than a pipe does."""

import contextlib
import os
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from cameras import wait_until

from edgelens.runtime.sources.credentials import Address
from edgelens.runtime.sources.rtsp_relay import RtspRelay

OPTIONS = "OPTIONS {} RTSP/1.0\r\nCSeq: 1\r\n\r\n"
PACKET = b"$\x00\x27\x10" + b"\x80\x60" + b"x" * 9998


@pytest.fixture
def line():
    """A relay that stands between a camera's socket and a program's, and the number of open files before it."""
    files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam"
        with RtspRelay(Address(url, "", ""), 3, 1) as relay:
            camera, _ = server.accept()
            with camera, socket.create_connection(("127.0.0.1", urlsplit(relay.url).port), 3) as program:
                camera.settimeout(3)
                program.sendall(OPTIONS.format(relay.url).encode())
                assert camera.recv(1000) == OPTIONS.format(url).encode()
                yield relay, camera, program
    assert not relay._thread.is_alive()
    if files:
        assert len(os.listdir("/proc/self/fd")) <= files


def received(end, count):
    data = b""
    while len(data) < count and (more := end.recv(count - len(data))):
        data += more
    return data


def test_bytes_go_both_ways(line):
    relay, camera, program = line
    said = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" + PACKET + PACKET
    camera.sendall(said)
    assert received(program, len(said)) == said
    assert relay.answered
    program.sendall(b"$\x01\x00\x02ab")
    assert received(camera, 6) == b"$\x01\x00\x02ab"


@pytest.mark.parametrize("who", ["camera", "program", "hang up"])
def test_when_one_side_ends_everything_does(line, who):
    relay, camera, program = line
    relay.hang_up() if who == "hang up" else {"camera": camera, "program": program}[who].shutdown(socket.SHUT_RDWR)
    relay._thread.join(1)
    assert not relay._thread.is_alive()
    assert program.recv(10) == b""
    assert camera.recv(10) == b""


def test_there_is_one_connection_only(line):
    relay, _, _ = line
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", urlsplit(relay.url).port), 1).close()


def test_a_slow_reader_holds_the_camera_up(line):
    relay, camera, _ = line
    camera.settimeout(0.3)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 200_000_000:
            sent += camera.send(PACKET * 100)
    assert sent < 50_000_000  # what the sockets' own buffers hold
    begun = time.monotonic()
    relay.hang_up()
    relay._thread.join(1)
    assert time.monotonic() - begun < 0.5


def test_a_stranger_gets_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam"
        with RtspRelay(Address(url, "", ""), 3, 1) as relay:
            camera, _ = server.accept()
            with camera, socket.create_connection(("127.0.0.1", urlsplit(relay.url).port), 3) as stranger:
                stranger.sendall(OPTIONS.format(f"rtsp://127.0.0.1:{urlsplit(relay.url).port}/cam").encode())
                assert camera.recv(10) == b""
                with contextlib.suppress(ConnectionResetError):
                    assert stranger.recv(10) == b""


def test_no_camera_leaves_nothing_behind():
    before = threading.active_count()
    with pytest.raises(OSError), RtspRelay(Address("rtsp://127.0.0.1:9/x", "", ""), 1, 1):
        pass
    assert threading.active_count() == before


def test_a_program_that_never_comes_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = RtspRelay(Address(f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam", "", ""), 30, 30)
        with relay:
            begun = time.monotonic()
    assert time.monotonic() - begun < 1.5
    wait_until(lambda: not relay._thread.is_alive(), 1)


def test_a_camera_that_falls_silent_is_left(line):
    _, camera, program = line
    camera.sendall(PACKET)
    assert received(program, len(PACKET)) == PACKET
    begun = time.monotonic()
    assert program.recv(10) == b""
    assert 0.8 < time.monotonic() - begun < 1.5
