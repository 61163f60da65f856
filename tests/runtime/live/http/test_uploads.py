"""Bodies under way: bytes are taken before they are kept, and one that dribbles makes room for who waits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from own_loop import ran

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.live.http.budget import Budget
from edgelens.runtime.live.http.limits import BodyError
from edgelens.runtime.live.http.uploads import NoRoomError, Uploads
from edgelens.runtime.live.service.service import RecognizeService

PICTURE = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 200, np.uint8))[1])
UNFINISHED = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"


def test_no_more_is_held_than_the_budget_says() -> None:
    async def work() -> None:
        uploads = Uploads(Budget(held_bytes=100))
        with uploads.place() as first:
            first.take(60)
            with pytest.raises(NoRoomError), uploads.place() as second:
                second.take(41)
            assert (uploads.held, uploads.under_way) == (60, 1)
            first.take(40)
        assert (uploads.held, uploads.under_way) == (0, 0)

    ran(work)


def test_the_longest_coming_makes_room_after_its_patience_and_one_that_is_whole_never() -> None:
    async def work() -> None:
        uploads = Uploads(Budget(requests=2, held_bytes=100, body_patience_s=0))
        ended: list[str] = []

        async def body(name: str, whole: bool) -> None:
            try:
                with uploads.place() as upload:
                    upload.take(40)
                    if whole:
                        upload.whole()
                    await asyncio.sleep(0.2)
                ended.append(f"{name} answered")
            except BodyError as error:
                ended.append(f"{name} {error.status}")

        tasks = [asyncio.ensure_future(body("worked on", True)), asyncio.ensure_future(body("dribbling", False))]
        await asyncio.sleep(0.01)
        with uploads.place() as newcomer:
            newcomer.take(60)
        with contextlib.suppress(NoRoomError), uploads.place() as larger:
            larger.take(61)
        await asyncio.gather(*tasks)
        assert sorted(ended) == ["dribbling 408", "worked on answered"]
        assert (uploads.held, uploads.under_way) == (0, 0)

    ran(work)


def test_bytes_too_are_given_up_by_who_has_been_coming_longest() -> None:
    """Places are left, but two bodies that dribble would hold all the bytes there are."""

    async def work() -> None:
        uploads = Uploads(Budget(requests=8, held_bytes=100, body_patience_s=0))

        async def dribbling() -> None:
            with uploads.place() as upload:
                upload.take(45)
                await asyncio.sleep(60)

        tasks = [asyncio.ensure_future(dribbling()) for _ in range(2)]
        await asyncio.sleep(0.01)
        with uploads.place() as newcomer:
            newcomer.take(50)
            assert (uploads.held, uploads.under_way) == (95, 2), "one makes room, the other need not"
            ended, under_way = await asyncio.wait(tasks, timeout=0.01)
            assert [type(task.exception()) for task in ended] == [BodyError]
        for task in under_way:
            task.cancel()
        await asyncio.wait(under_way)
        assert (uploads.held, uploads.under_way) == (0, 0)

    ran(work)


def test_a_body_that_has_not_had_its_time_keeps_its_place() -> None:
    async def work() -> None:
        uploads = Uploads(Budget(requests=1, body_patience_s=60))
        with uploads.place(), pytest.raises(NoRoomError), uploads.place():
            pass

    ran(work)


def test_unfinished_bodies_lock_nobody_out_and_hold_no_more_than_they_may(staged: Any, colour_bundle: Bundle) -> None:
    budget = Budget(requests=4, held_bytes=300_000, body_patience_s=0.1)
    with RecognizeService(colour_bundle, budget=budget) as service, contextlib.ExitStack() as stack:
        loop = staged(fps=0, service=service, budget=budget)
        for _ in range(12):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", loop.preview.port)))
            line.settimeout(5)
            with contextlib.suppress(ConnectionError):
                line.sendall(UNFINISHED + bytes(120_000))
        assert service._uploads.held <= 300_000
        time.sleep(0.15)
        for _ in range(3):
            assert httpx.post(loop.base + "/v1/recognize", content=PICTURE).status_code == 200


def test_a_body_for_which_there_was_no_room_is_let_go_before_its_refusal_is_sent(colour_bundle: Bundle) -> None:
    async def work() -> None:
        pieces = [bytes([65 + number]) * 60 for number in range(2)]
        counts = [sys.getrefcount(piece) for piece in pieces]
        kept: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": bodies.pop(0), "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 503
                kept.extend(sys.getrefcount(piece) for piece in pieces)

        bodies = list(pieces)
        with RecognizeService(colour_bundle, budget=Budget(held_bytes=100, body_patience_s=60)) as service:
            scope: dict[str, Any] = {"type": "http", "method": "POST", "headers": [], "query_string": b""}
            await service(scope, receive, send)
        assert kept == counts

    ran(work)
