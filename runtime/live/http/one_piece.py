"""Requests and answers in one piece: each send, read and wake-up costs a system call, and Python's lock with it."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["FEW", "UNWANTED", "OnePiece", "WholeBodies"]

UNWANTED = (
    "edgelens.unwanted"  # in a request's scope: of its body nothing is kept, and no more is read before its answer
)

BODY_BYTES = 128 * 1024  # of a body wait for the app before the client has to
CROWD_BODY_BYTES = 16 * 1024  # where there are more than FEW clients
FEW = 64  # connections; the buffers of many would fill the memory


class WholeBodies:
    """For uvicorn's httptools protocol: the app is woken once for a picture, not for every piece of its body."""

    cycle: Any
    flow: Any
    connections: set[Any]

    def on_body(self, body: bytes) -> None:
        """Keep a piece; the app hears of it at the body's end, or when there is much of it."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        if UNWANTED in cycle.scope:
            cycle.body = b""
            self.flow.pause_reading()
        elif not cycle.body:
            cycle.body = body  # most come in one piece, which need not be copied again
        elif isinstance(cycle.body, bytearray):
            cycle.body += body
        else:
            cycle.body = bytearray(cycle.body) + body
        if len(cycle.body) >= (BODY_BYTES if len(self.connections) <= FEW else CROWD_BODY_BYTES):
            self.flow.pause_reading()
            cycle.message_event.set()


class OnePiece:
    """A transport that sends what is written in one step of the event loop at once: an answer's head with its body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._kept = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send this, with what was kept."""
        if self._kept:
            self._send(self._kept + data)
        else:
            self._kept = data
            self._loop.call_soon(self._flush)

    def write_eof(self) -> None:
        """Send what was kept, which was the last."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what was kept, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._kept:
            self._send(self._kept)

    def _send(self, data: bytes) -> None:
        self._kept = b""
        self._transport.write(data)
