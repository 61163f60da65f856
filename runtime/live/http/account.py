"""What uvicorn's httptools protocol is kept to: heads end, leftovers end, and who asks ahead does so only a little.

The parser underneath takes a head of any length and keeps it.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from .budget import Budget
from .crowd import Crowd, Guest
from .one_piece import FEW

__all__ = ["NO_PLACE", "Account"]


class TooFarAheadError(Exception):
    """More requests were sent ahead than there are places for; the parser stops, and uvicorn answers 400."""


class Account:
    """A mixin: counts the bytes of which nothing has come, and knows every request that is under way."""

    budget: Budget
    crowd: Crowd
    guest: Guest
    pipeline: deque[Any]
    cycle: Any
    transport: Any
    flow: Any
    loop: Any

    def connection_made(self, transport: Any) -> None:
        """Open the account."""
        super().connection_made(transport)  # type: ignore[misc]
        self._idle_bytes = 0  # received since a head came whole, or a piece of a body that somebody wanted
        self._in_head = True
        self._under_way: deque[Any] = deque()  # the running one first

    def data_received(self, data: bytes) -> None:
        """Parse, and end it where there is no end to what is received."""
        self._idle_bytes += len(data)
        super().data_received(data)  # type: ignore[misc]
        if self._idle_bytes <= self._most_idle() or self.transport.is_closing():
            return
        if self._under_way:
            self.transport.abort()
        elif self._in_head:
            self.transport.write(_HEAD_TOO_LARGE)
            self._part()
        else:
            self._part()

    def _most_idle(self) -> int:
        if self._in_head or self._under_way:
            return self.budget.head_bytes
        return self.budget.leftover_bytes if len(self.crowd) <= FEW else self.budget.crowd_leftover_bytes

    def _part(self) -> None:
        """Read no more and say so; the cut comes later: at once it would destroy what was answered and not yet read."""
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            return
        self.flow.pause_reading()
        self.transport.write_eof()
        self.loop.call_later(self.budget.farewell_s, self.transport.abort)

    def on_message_begin(self) -> None:
        """A head begins, and with it its time."""
        self._in_head = True
        if not self._under_way:
            self.crowd.waits(self.guest)
        super().on_message_begin()  # type: ignore[misc]

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those that come behind a body are nobody's."""
        if self._in_head:
            super().on_header(name, value)  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        """A request's head is whole."""
        self._idle_bytes, self._in_head = 0, False
        if len(self.pipeline) >= self.budget.pipelined:
            raise TooFarAheadError
        super().on_headers_complete()  # type: ignore[misc]
        self._under_way.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        if not self.cycle.response_complete:
            self._idle_bytes = 0
        super().on_body(body)  # type: ignore[misc]

    def on_response_complete(self) -> None:
        """The running request is answered."""
        while self._under_way and self._under_way[0].response_complete:
            self._under_way.popleft()
        super().on_response_complete()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        """Every request hears of it; uvicorn tells only the one that was sent last."""
        super().connection_lost(exc)  # type: ignore[misc]
        for cycle in self._under_way:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()


def _answer(status: bytes, said: str) -> bytes:
    body = json.dumps({"error": said}).encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status, len(body)) + body


NO_PLACE = _answer(b"503 Service Unavailable", "too many connections; try again in a second")
_HEAD_TOO_LARGE = _answer(b"431 Request Header Fields Too Large", "the request's head is too large")
