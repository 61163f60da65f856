"""Connections that ask for nothing: closed in time, and gone at once when others need the room."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificate import certificate

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.live.http import guarded, limits, patience
from edgelens.runtime.live.http.budget import Budget
from edgelens.runtime.live.http.server import Address, Server
from edgelens.runtime.live.service.service import RecognizeService

HALF_A_HEAD = b"GET /v1/health HTTP/1.1\r\nHost: loc"


def half_open(port: int, said: bytes = HALF_A_HEAD) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), 5)
    line.sendall(said)
    return line


def is_closed(line: socket.socket, within_s: float) -> bool:
    line.settimeout(within_s)
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_half_a_head_is_waited_for_only_so_long(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(head_s=0.3))
    with half_open(loop.preview.port) as line:
        start = time.monotonic()
        assert is_closed(line, 5)
        assert 0.2 < time.monotonic() - start < 3


LARGE = bytes(4_000_000)


async def large(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers more than the buffers on the way hold."""
    while scope["type"] == "lifespan":
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind.endswith("shutdown"):
            return
    head = [(b"content-length", str(len(LARGE)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": LARGE})


def taken(line: socket.socket, after_s: float = 0) -> int:
    """Bytes that come of an answer to who takes a megabyte a second of it, and that only after a while."""
    line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(after_s)
    got, start = 0, time.monotonic()
    with contextlib.suppress(OSError):
        while got < len(LARGE) and (data := line.recv(20_000)):
            got += len(data)
            time.sleep(max(got / 1e6 - (time.monotonic() - start), 0))
    return got


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_who_takes_an_answer_slowly_gets_all_of_it_and_who_takes_nothing_is_cut(secure: bool, tmp_path: Path) -> None:
    tls = certificate(tmp_path) if secure else None
    budget = Budget(head_s=0.4, stalled_s=1.5)
    with Server(large, Address("127.0.0.1", 0).bind(), tls=tls, budget=budget) as server:

        def connected() -> socket.socket:
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            line.settimeout(20)
            line.connect(("127.0.0.1", server.port))
            return ssl._create_unverified_context().wrap_socket(line) if secure else line

        with connected() as slow:
            assert taken(slow) >= len(LARGE), "it took longer than either patience"
        with connected() as deaf:
            assert taken(deaf, after_s=3) < len(LARGE)


def test_who_asks_for_nothing_makes_room_for_who_asks(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(connections=8))
    with ExitStack() as stack, httpx.Client(base_url=loop.base) as answered:
        for _ in range(3):
            stack.enter_context(httpx.stream("GET", loop.base + "/live/frames"))
        asking = HALF_A_HEAD.replace(b"health", b"models")  # health has places of its own, which nobody makes room in
        lines = []
        for _ in range(12):  # one after another: those that come together are met a few in a turn
            lines.append(stack.enter_context(half_open(loop.preview.port, asking)))
            time.sleep(0.05)
        for _ in range(5):
            assert answered.get("/v1/health").status_code == 200
            assert httpx.get(loop.base + "/v1/health").status_code == 200
        assert is_closed(lines[0], 2), "the oldest goes first"
        assert not is_closed(lines[-1], 0.1)
        assert loop.preview.shared.hub.viewers == 3, "who is being answered stays"


def test_where_everybody_is_busy_a_newcomer_is_told_so_and_health_is_answered(staged: Any) -> None:
    loop = staged(fps=0, budget=Budget(connections=2))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(httpx.stream("GET", loop.base + "/live/events"))
        for _ in range(3):
            refused = httpx.get(loop.base + "/v1/models")
            assert (refused.status_code, refused.headers["connection"]) == (503, "close")
            assert "too many connections" in refused.json()["error"]
            assert httpx.get(loop.base + "/v1/health").status_code == 200


def test_only_who_was_answered_before_is_read_in_large_pieces(
    staged: Any, colour_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Noted(patience.http_protocol()):  # type: ignore[misc]
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    monkeypatch.setattr(guarded, "http_protocol", lambda: Noted)
    body = bytes(2_000_000)
    with RecognizeService(colour_bundle) as service, httpx.Client() as client:
        address = staged(fps=0, service=service).base + "/v1/recognize"
        client.post(address, content=body)
        first, sizes = max(sizes), []
        client.post(address, content=body)
    assert first <= patience.NEW_READ_BYTES < max(sizes) <= patience.READ_BYTES


def test_the_app_is_woken_once_for_a_picture_that_comes_in_pieces(
    staged: Any, colour_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[int] = []

    class Noted(patience.http_protocol()):  # type: ignore[misc]
        def on_body(self, body: bytes) -> None:
            pieces.append(len(body))
            super().on_body(body)

    monkeypatch.setattr(guarded, "http_protocol", lambda: Noted)
    seen: list[bytes] = []
    with RecognizeService(colour_bundle) as service:
        collected = limits._collected

        async def noted(receive: Any, most: int, take: Any) -> bytes:
            async def once() -> Any:
                message = await receive()
                seen.append(message["body"])
                return message

            return await collected(once, most, take)

        monkeypatch.setattr(limits, "_collected", noted)
        address = staged(fps=0, service=service).base + "/v1/recognize"
        body = bytes(range(256)) * 400
        httpx.post(address, content=body)
    assert len(pieces) > 1
    assert seen == [body]
