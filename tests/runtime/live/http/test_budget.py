"""What one server allows: heads, leftovers, requests sent ahead, handshakes; each ends, and nobody else notices."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from certificate import certificate

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.live.http.budget import Budget
from edgelens.runtime.live.http.crowd import Crowd, counted_as
from edgelens.runtime.live.http.server import Tls
from edgelens.runtime.live.service.service import RecognizeService

HEAD = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\n"


def connect(loop: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", loop.preview.port), 5)


def sent_until_cut(line: socket.socket, piece: bytes, most: int) -> tuple[int, bytes]:
    """How much was taken before the line was cut, and what was said to it."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most:
            line.sendall(piece)
            sent += len(piece)
            time.sleep(0.001)
    said = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        line.settimeout(2)
        while more := line.recv(65536):
            said += more
    return sent, said


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_head_without_an_end_is_cut(staged: Any) -> None:
    loop = staged(fps=0)
    for start in (HEAD + b"X-Long: ", HEAD, b"GET /", b"\r\n\r\n"):
        piece = b"a: b\r\n" * 500 if start == HEAD else b"\r\n" * 1500 if start == b"\r\n\r\n" else b"a" * 3000
        with connect(loop) as line:
            line.sendall(start)
            sent, _ = sent_until_cut(line, piece, 4_000_000)
            assert sent < 3_000_000
    assert httpx.get(loop.base + "/v1/health").status_code == 200


def test_a_large_head_is_told_so(staged: Any) -> None:
    loop = staged(fps=0)
    answer = httpx.get(loop.base + "/v1/health", headers={"X-Large": "a" * 100_000})
    assert (answer.status_code, answer.json()) == (431, {"error": "the request's head is too large"})
    with httpx.Client(base_url=loop.base) as client:
        assert client.get("/v1/health", headers={"X-Large": "a" * 20_000}).status_code == 200
        assert client.get("/v1/health", headers={"X-Large": "a" * 40_000}).status_code == 431


@pytest.mark.parametrize("place", ["/live/moments/{}", "/live/thumbs/{}", "/{}"])
def test_an_address_without_end_is_no_fault_of_the_page(
    staged: Any, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """Nor does it fill a log: a number of thousands of digits was one that Python makes none of."""
    loop = staged(fps=0)
    answer = httpx.get(loop.base + place.format("9" * 5000))
    assert (answer.status_code, answer.json()) == (414, {"error": "there is nothing at so long an address"})
    assert httpx.get(loop.base + place.format("9" * 900)).status_code == 404
    assert "999" not in capsys.readouterr().err


def test_headers_behind_a_body_and_chunk_extensions_end(staged: Any, colour_bundle: Bundle) -> None:
    with RecognizeService(colour_bundle) as service:
        loop = staged(fps=0, service=service)
        chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for start, piece in ((b"1\r\na\r\n0\r\nX: ", b"a" * 3000), (b"0\r\n", b"a: b\r\n" * 500), (b"1;", b"a" * 3000)):
            with connect(loop) as line:
                line.sendall(chunked + start)
                sent, _ = sent_until_cut(line, piece, 4_000_000)
                assert sent < 3_000_000


def test_a_body_that_nobody_wants_is_cut(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(leftover_bytes=100_000))
    with connect(loop) as line:
        line.sendall(b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n")
        sent, said = sent_until_cut(line, bytes(30_000), 50_000_000)
    assert sent < 50_000_000
    assert b" 404 " in said or said == b""


def test_requests_sent_far_ahead_end_the_connection(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(pipelined=3))
    with connect(loop) as line:
        line.sendall((HEAD + b"\r\n") * 3)
        said = b""
        while said.count(b"200 OK") < 3:
            said += line.recv(65536)
    with connect(loop) as line:
        line.sendall((HEAD + b"\r\n") * 200)
        _, said = sent_until_cut(line, b"", 0)
    assert said.count(b"200 OK") <= 4


@pytest.mark.parametrize("path", [b"/live/frames", b"/live/events", b"/v1/results"])
def test_viewers_that_ask_twice_and_go_leave_nothing_behind(staged: Any, path: bytes, capfd: Any) -> None:
    loop = staged(budget=Budget(viewers=4, listeners=4))
    hub = loop.preview.shared.hub
    looking = lambda: len(hub._viewers) + len(hub._listeners)  # noqa: E731
    for _ in range(3):
        lines = [connect(loop) for _ in range(4)]
        for line in lines:
            line.sendall(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path * 2)
            line.recv(1)
        for line in lines:
            line.close()
        wait_for(lambda: looking() == 0)
    with httpx.stream("GET", loop.base + path.decode()) as answer:
        assert answer.status_code == 200
    assert "socket.send" not in capfd.readouterr().err


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
def test_silent_handshakes_take_only_their_places(staged: Any, tls: Tls, said: bytes) -> None:
    loop = staged(fps=0, tls=tls, budget=Budget(connections=12, handshakes=4))
    trusted = ssl.create_default_context(cafile=str(tls.cert))
    files = lambda: len(os.listdir("/proc/self/fd"))  # noqa: E731
    before = files()
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connect(loop)).sendall(said)
        for _ in range(3):
            answer = httpx.get(f"https://localhost:{loop.preview.port}/v1/health", verify=trusted)
            assert answer.status_code == 200
        assert files() - before <= 60 + 12 + 4, "their own ends, and the places they have here"
    wait_for(lambda: files() <= before + 4)


def test_of_handshakes_under_way_the_longest_makes_room(staged: Any, tls: Tls) -> None:
    """Each has greeted, so that a session and its keys were made for it, and goes no further."""
    loop = staged(fps=0, tls=tls, budget=Budget(connections=100, handshakes=4, handshake_s=60, head_s=60))
    greeting = greeting_of_a_client()
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(connect(loop)) for _ in range(10)]
        for line in lines:
            line.sendall(greeting)
            assert line.recv(1 << 16), "the server's greeting"
            line.setblocking(False)
        wait_for(lambda: sum(map(is_cut, lines)) == 6)
        assert [is_cut(line) for line in lines] == [True] * 6 + [False] * 4


def greeting_of_a_client() -> bytes:
    """What a TLS client says first."""
    greeting = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), greeting, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return greeting.read()


def is_cut(line: socket.socket) -> bool:
    """Whether the other side has closed a line that does not block, whatever it said before."""
    try:
        while line.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def test_a_handshake_that_does_not_go_on_is_given_up(staged: Any, tls: Tls) -> None:
    loop = staged(fps=0, tls=tls, budget=Budget(handshake_s=0.3, head_s=30))
    said = greeting_of_a_client()
    with connect(loop) as line:
        line.sendall(said[:100])
        time.sleep(0.1)
        line.sendall(said[100:])  # in two pieces, as large ones come
        assert len(line.recv(1 << 16)) > 100, "the server's greeting"
        while line.recv(1 << 16):
            pass


def test_who_takes_nothing_of_its_answers_is_cut(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(stalled_s=0.3, pipelined=1000))
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", loop.preview.port))
        with pytest.raises(ConnectionError):  # cut, while it goes on asking
            for _ in range(2000):
                deaf.sendall(b"GET /app.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
                time.sleep(0.01)


def test_the_address_that_holds_most_makes_room() -> None:
    gone: list[str] = []
    crowd = Crowd(Budget(connections=5))
    crowd.enter("192.0.2.1", lambda: gone.append("first"))
    for i in range(4):
        crowd.enter("192.0.2.2", lambda i=i: gone.append(f"flood {i}"))  # type: ignore[misc]
    crowd.enter("192.0.2.3", lambda: gone.append("late"))
    crowd.enter("192.0.2.4", lambda: gone.append("later"))
    assert gone == ["flood 0", "flood 1"]
    assert len(crowd) == 5


def test_places_for_health_are_used_by_nobody_else_and_are_only_so_many() -> None:
    crowd = Crowd(Budget(connections=2, for_health=1))
    busy = [crowd.enter("192.0.2.1", lambda: None) for _ in range(2)]
    for guest in busy:
        assert guest is not None
        crowd.busy(guest)
    asking = crowd.enter("192.0.2.1", lambda: None, asks_health=True)
    assert asking is not None
    crowd.busy(asking)
    assert crowd.enter("192.0.2.1", lambda: None, asks_health=True) is None
    crowd.waits(asking)  # answered: it may go, which makes no room for another kind
    assert crowd.enter("192.0.2.1", lambda: None) is None
    assert crowd.enter("192.0.2.1", lambda: None, asks_health=True) is not None


def test_where_all_are_busy_the_newest_of_who_holds_twice_as_much_goes() -> None:
    gone: list[int] = []
    crowd = Crowd(Budget(connections=6))
    for number in range(6):
        guest = crowd.enter("192.0.2.1", lambda number=number: gone.append(number))  # type: ignore[misc]
        assert guest is not None
        crowd.busy(guest)
    assert crowd.enter("192.0.2.1", lambda: None) is None
    for _ in range(3):
        newcomer = crowd.enter("192.0.2.2", lambda: None)
        if newcomer is not None:
            crowd.busy(newcomer)
    assert gone == [5, 4], "until one holds no more than twice what the other has"


def test_who_asks_for_health_is_answered_before_a_crowd_that_came_first(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(connections=600))
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connect(loop)).sendall(b"GET /live/state HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8)
        for _ in range(5):
            with connect(loop) as line:
                line.sendall(HEAD + b"\r\n")
                assert line.recv(12) == b"HTTP/1.1 200"


def test_a_refusal_arrives_although_much_of_the_body_was_still_to_come(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(leftover_bytes=50_000))
    with connect(loop) as line:
        line.sendall(b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n")
        line.sendall(bytes(200_000))
        time.sleep(0.3)
        assert b" 404 " in line.recv(65536)


def test_an_ipv6_host_counts_once_whatever_address_it_takes() -> None:
    assert counted_as("2001:db8::1") == counted_as("2001:db8::ffff:2") != counted_as("2001:db8:0:1::1")
    assert counted_as("::ffff:192.0.2.1") == counted_as("192.0.2.1")
    assert counted_as("fe80::1%eth0") == counted_as("fe80::2")
    assert counted_as("?") == "?"
