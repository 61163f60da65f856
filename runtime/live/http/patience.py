"""uvicorn's HTTP protocol within a budget: half-open connections are closed, idle and stalled ones make room.

A connection's first request is read in small pieces, so that whoever asks while a crowd comes need not wait for all its
bodies. Later ones come in large pieces.
"""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

from .account import Account
from .budget import Budget
from .crowd import Crowd, Guest
from .one_piece import FEW, OnePiece, WholeBodies

__all__ = ["http_protocol"]

NEW_READ_BYTES = 16 * 1024  # at one time from a new one; with 256 KiB two hundred held everybody up for .3 s
READ_BYTES = 256 * 1024  # and, of FEW, from one that has been answered, asyncio's own: every read costs


def http_protocol() -> type[Any]:
    """uvicorn's protocol class (httptools where it is installed), made impatient."""
    if importlib.util.find_spec("httptools") is not None:
        from uvicorn.protocols.http import httptools_impl

        class Httptools(Account, WholeBodies, httptools_impl.HttpToolsProtocol):
            """The fast parser, which knows no limits of its own."""

        return _impatient(Httptools)
    from uvicorn.protocols.http import h11_impl

    return _impatient(h11_impl.H11Protocol)


def _impatient(base: Any) -> type[Any]:
    class ImpatientProtocol(base):  # type: ignore[misc]
        """Keeps its place in the crowd: waiting, busy, stalled, gone."""

        def __init__(self, guest: Guest, budget: Budget, crowd: Crowd, **uvicorns: Any) -> None:
            super().__init__(**uvicorns)
            self.guest, self.budget, self.crowd = guest, budget, crowd

        def connection_made(self, transport: asyncio.Transport) -> None:
            """Take the connection, which waits until it has asked."""
            super().connection_made(OnePiece(transport, self.loop))
            _read_at_most(transport, NEW_READ_BYTES)
            self._reading = transport
            self.guest.close, self.guest.unsent = transport.abort, transport.get_write_buffer_size

        def data_received(self, data: bytes) -> None:
            """Parse; who has asked is busy until it is answered."""
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self.crowd.busy(self.guest)
            else:
                self.crowd.idles(self.guest)

        def on_response_complete(self) -> None:
            """Answered: from here on the connection may be the one that makes room."""
            super().on_response_complete()
            _read_at_most(self._reading, READ_BYTES if len(self.connections) <= FEW else NEW_READ_BYTES)
            if self.cycle is None or self.cycle.response_complete:
                self.crowd.waits(self.guest)

        def connection_lost(self, exc: Exception | None) -> None:
            """Its place is free."""
            self.crowd.leave(self.guest)
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            """The client does not take what is sent; it may do so for a while."""
            super().pause_writing()
            self.crowd.stalls(self.guest, True)

        def resume_writing(self) -> None:
            """It takes it again."""
            super().resume_writing()
            self.crowd.stalls(self.guest, False)

    return ImpatientProtocol


def _read_at_most(transport: asyncio.Transport, size: int) -> None:
    if hasattr(transport, "max_size"):  # TLS, and other loops' transports, have no such number
        transport.max_size = size
