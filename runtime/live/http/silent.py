"""Connections of which nothing has come, or too little to begin with: thousands may come and go for little.

One epoll of their own watches them all; as readers of the event loop each would cost three times as much.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from collections.abc import Callable

from .crowd import Guest

__all__ = ["Silent"]

_CUT = struct.pack("ii", 1, 0)  # nothing was said that could be lost: no farewell, which the kernel would wait for
HEARD_AT_ONCE = 64  # in one turn of the event loop


class Silent:
    """Calls `heard` with who has said as much as was waited for, or has gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, heard: Callable[[Guest, socket.socket, int], None]) -> None:
        self._loop, self._heard = loop, heard
        self._epoll = select.epoll()
        self._lines: dict[int, tuple[Guest, socket.socket, int]] = {}  # and the bytes that they are waited for
        self._files: dict[Guest, int] = {}
        loop.add_reader(self._epoll.fileno(), self._listen)

    def add(self, guest: Guest, line: socket.socket, wanted: int) -> None:
        """Wait for so many bytes in all."""
        file = line.fileno()
        if wanted > 1:
            _wake_at(line, wanted)
        self._lines[file], self._files[guest] = (guest, line, wanted), file
        self._epoll.register(file, select.EPOLLIN)

    def drop(self, guest: Guest) -> None:
        """Close one; the kernel takes it off the list."""
        line = self._lines.pop(self._files.pop(guest))[1]
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
        line.close()

    def close(self) -> None:
        """Nobody is heard any more, all are closed."""
        self._loop.remove_reader(self._epoll.fileno())
        for guest in tuple(self._files):
            self.drop(guest)
        self._epoll.close()

    def _listen(self) -> None:
        for file, _ in self._epoll.poll(0, HEARD_AT_ONCE):
            if file not in self._lines:  # closed by what one before it led to
                continue
            guest, line, wanted = self._lines.pop(file)
            del self._files[guest]
            self._epoll.unregister(file)
            if wanted > 1:
                _wake_at(line, 1)
            self._heard(guest, line, wanted)


def _wake_at(line: socket.socket, size: int) -> None:
    """Whoever watches hears of this connection when so many bytes are there."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
