"""Open-ended responses: frames for the page, server-sent events for everybody."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from typing import Any

from starlette.types import Receive, Scope, Send

from ..http.gate import refuse
from ..http.limits import BodyError
from ..http.replies import query_of
from .hub import Asks, Hub, Listener, Viewer
from .seats import NoSeatError, Seats

__all__ = ["EventStream", "FrameStream", "event", "frame_record", "spelled"]


def spelled(result: dict[str, Any]) -> bytes:
    """A result as JSON without a blank."""
    return _json(result)


def frame_record(said: bytes, jpeg: bytes) -> bytes:
    """One frame on the wire: two big-endian lengths, the result's JSON, the JPEG; so labels stay with their picture."""
    return struct.pack(">II", len(said), len(jpeg)) + said + jpeg


def event(kind: str, value: Any) -> bytes:
    """One server-sent event."""
    return b"event: " + kind.encode() + b"\ndata: " + _json(value) + b"\n\n"


def _json(value: Any) -> bytes:
    """Without a blank; a file's name that is no UTF-8 is written with escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


class FrameStream:
    """ASGI endpoint: every frame, as fast as this viewer takes them."""

    def __init__(self, hub: Hub, most: int) -> None:
        self._hub, self._seats = hub, Seats(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one side leaves; `?size=small`, `&large=SOURCE` for the one that is looked at closely, `&key=`."""
        try:
            with self._hub.viewer(_asks(scope)) as viewer, self._seats.seat(_asker(scope), viewer.leave):
                await _pour(viewer, receive, send, b"application/octet-stream", b"\0" * 8)
        except NoSeatError:
            await _busy(send)
        except BodyError as error:
            await refuse(send, error.status, error.text)


class EventStream:
    """ASGI endpoint: events of some kinds, with what is known at the start before them."""

    def __init__(self, hub: Hub, *kinds: str, most: int, greeting: Any = None) -> None:
        self._hub, self._kinds, self._greeting, self._seats = hub, kinds, greeting, Seats(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one side leaves."""
        try:
            with self._hub.listener(*self._kinds) as listener, self._seats.seat(_asker(scope), listener.leave):
                if self._greeting is not None:
                    listener.put(self._greeting())
                await _pour(listener, receive, send, b"text/event-stream; charset=utf-8", b": alive\n\n")
        except NoSeatError:
            await _busy(send)


def _asks(scope: Scope) -> Asks:
    query = query_of(scope)
    size = query.get("size", "large")
    if size not in ("small", "large"):
        raise BodyError(400, "size is small or large")
    return Asks(size == "small", query.get("large"), query.get("key"))


async def _pour(client: Viewer | Listener, receive: Receive, send: Send, media: bytes, heartbeat: bytes) -> None:
    headers = [(b"content-type", media), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
    gone = asyncio.ensure_future(_disconnected(receive, client))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": heartbeat, "more_body": True})
        while not client.closed:
            await client.ready.wait()
            client.sending_since = time.monotonic()
            for chunk in client.take() or [heartbeat]:  # woken without anything to send: the connection is to be kept
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                client.sent = client.sending_since = time.monotonic()
            client.sending_since = None
            client.taken()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except OSError:  # the client went away in the middle
        pass
    finally:
        gone.cancel()


async def _disconnected(receive: Receive, client: Viewer | Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.leave()


async def _busy(send: Send) -> None:
    await refuse(send, 503, "too many viewers; try again in 5 s", [(b"retry-after", b"5")])


def _asker(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "?"
