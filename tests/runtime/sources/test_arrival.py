"""When bytes came is known however late they are read."""

import http.client
import socket
import sys
import time

import pytest

from edgelens.runtime.sources.arrival import BELIEVED_S, ArrivalSocket

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's stamps are Linux's")


@pytest.fixture
def line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        plain = socket.create_connection(server.getsockname(), timeout=3)
        there, _ = server.accept()
        with ArrivalSocket(plain) as here, there:
            time.sleep(0.05)  # the kernel begins to stamp a moment after it was asked to
            yield here, there


def test_a_late_reader_knows_when_the_bytes_came(line):
    here, there = line
    sent = time.monotonic()
    there.sendall(b"picture")
    time.sleep(0.4)
    buffer = bytearray(100)
    assert here.recv_into(buffer) == 7
    assert buffer.startswith(b"picture")
    assert here.arrived == pytest.approx(sent, abs=0.1)


def test_a_wall_clock_that_was_set_is_not_believed(line, monkeypatch):
    here, there = line
    there.sendall(b"x")
    now = time.time()
    for wrong in (now - 3600, now + BELIEVED_S + 60):
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda wrong=wrong: wrong)
            there.sendall(b"x")
            here.recv_into(bytearray(10))
        assert here.arrived == pytest.approx(time.monotonic(), abs=0.1)


def test_http_reads_through_it_and_its_timeout_stays(line):
    here, there = line
    assert here.gettimeout() == 3
    there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    response = http.client.HTTPResponse(here)
    response.begin()
    assert response.read1(100) == b"hello"
    here.settimeout(0.05)
    with pytest.raises(TimeoutError):
        here.recv_into(bytearray(1))
