"""Reading a request's body with an end to its size and to the time it may take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope

from .budget import Budget

__all__ = ["BodyError", "content_type", "read_body", "read_json"]


class BodyError(Exception):
    """A body that is refused: the status to answer with, and why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def content_type(scope: Scope) -> str:
    """The request's media type with its parameters."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            return str(value.decode("latin-1"))
    return ""


def declared_length(scope: Scope) -> int | None:
    """The Content-Length, None where the client does not say."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value[:30])  # digits, the parser saw to that; int() refuses thousands of them
    return None


async def read_body(
    scope: Scope, receive: Receive, most: int, *, timeout_s: float, take: Callable[[int], None] | None = None
) -> bytes:
    """The whole body; one that is said to be, or turns out, too large is not read to its end.

    `take` is asked for room before a piece is kept, and raises where there is none.
    """
    length = declared_length(scope)
    if length is not None and length > most:
        raise BodyError(413, f"at most {most} bytes a request")
    late = _Deadline(timeout_s)
    try:
        return await _collected(receive, most, take or _room_enough)
    except asyncio.CancelledError:
        if late.passed:
            raise BodyError(408, f"the body was not complete after {timeout_s:.0f} s") from None
        raise
    finally:
        late.timer.cancel()


def _room_enough(size: int) -> None:
    """What is small needs no room of its own: there are only so many connections."""


class _Deadline:
    """Cancels the running task in a while; a timer costs a tenth of the task that `asyncio.wait_for` makes."""

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.passed = False
        self._task = task
        self.timer = asyncio.get_running_loop().call_later(seconds, self._pass)

    def _pass(self) -> None:
        self.passed = True
        self._task.cancel()


async def _collected(receive: Receive, most: int, take: Callable[[int], None]) -> bytes:
    pieces: list[bytes] = []  # as they come: one buffer that grows leaves holes behind, many at a time as much again
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyError(400, "the connection was closed in the middle of the body")
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise BodyError(413, f"at most {most} bytes a request")
        take(len(piece))
        pieces.append(piece)
        if not message.get("more_body", False):
            return piece if len(pieces) == 1 else b"".join(pieces)


async def read_json(scope: Scope, receive: Receive, budget: Budget) -> Any:
    """A small JSON body; anything else than application/json is refused, which other sites' forms cannot send."""
    if content_type(scope).partition(";")[0].strip().lower() != "application/json":
        raise BodyError(415, "send application/json")
    try:
        return json.loads(await read_body(scope, receive, budget.json_bytes, timeout_s=budget.body_s))
    except (ValueError, RecursionError):
        raise BodyError(400, "the body is not JSON") from None
