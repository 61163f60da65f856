"""Connections that ask for nothing: closed in time, and gone at once when others need the room."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.live.http import guarded, limits, patience
from edgelens.runtime.live.http.budget import Budget
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
