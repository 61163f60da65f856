"""uvicorn's HTTP protocol with an end to its patience: half-open connections are closed, idle ones make room.

A connection's first request is read in small pieces, so that whoever asks while a crowd comes need not wait for all its
bodies. Later ones come in large pieces.
"""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

from .one_piece import OnePiece, WholeBodies

__all__ = ["http_protocol"]

HEAD_TIMEOUT_S = 10.0  # a request's head must be complete by then
MAX_CONNECTIONS = 512
NEW_READ_BYTES = 16 * 1024  # at one time from a new one; with 256 KiB two hundred held everybody up for .3 s
READ_BYTES = 256 * 1024  # and from one that has been answered, asyncio's own: every read costs


def http_protocol() -> type[asyncio.Protocol]:
    """uvicorn's protocol class (httptools where it is installed), made impatient."""
    base: Any
    if importlib.util.find_spec("httptools") is not None:
        from uvicorn.protocols.http import httptools_impl

        base = httptools_impl.HttpToolsProtocol
    else:
        from uvicorn.protocols.http import h11_impl

        base = h11_impl.H11Protocol
    return _impatient(base)


def _impatient(base: Any) -> type[asyncio.Protocol]:
    waiting: dict[ImpatientProtocol, None] = {}  # connections without a request under way, longest first

    class ImpatientProtocol(WholeBodies, base):  # type: ignore[misc]
        """Waits only so long for a request's head, and not at all when others need the room."""

        deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            """Take the connection; where there are too many, the one that asks for nothing longest makes room."""
            super().connection_made(OnePiece(transport, self.loop))
            _read_at_most(transport, NEW_READ_BYTES)
            self._reading = transport
            if len(self.connections) > MAX_CONNECTIONS:
                next(iter(waiting), self).transport.abort()
            self._wait_for_head()

        def data_received(self, data: bytes) -> None:
            """Parse; the clock runs as long as a head is incomplete."""
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                if self.deadline is None:
                    self._wait_for_head()
            else:
                self._stop_waiting()

        def on_response_complete(self) -> None:
            """Answered: from here on the connection may be the one that makes room."""
            super().on_response_complete()
            _read_at_most(self._reading, READ_BYTES)
            if self.cycle is None or self.cycle.response_complete:
                waiting[self] = None

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the clock with the connection."""
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait_for_head(self) -> None:
            waiting[self] = None
            self.deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

        def _stop_waiting(self) -> None:
            waiting.pop(self, None)
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

        def _give_up(self) -> None:
            self.deadline = None
            if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
                self.transport.abort()

    return ImpatientProtocol


def _read_at_most(transport: asyncio.Transport, size: int) -> None:
    if hasattr(transport, "max_size"):  # TLS, and other loops' transports, have no such number
        transport.max_size = size
