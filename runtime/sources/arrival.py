"""A TCP socket that knows when the kernel received what it gives: a reader that comes late still knows the age."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["ArrivalSocket"]

SO_TIMESTAMPNS = 35  # Linux's, which the socket module has no name for; also the kind of message it makes
_STAMP = struct.Struct("@ll")  # seconds and nanoseconds of the wall clock
_ROOM = socket.CMSG_SPACE(_STAMP.size)
BELIEVED_S = 2.0  # a stamp further off means that the wall clock was set


class ArrivalSocket(socket.socket):
    """A connected socket taken over from a plain one; `arrived` is of the last bytes that were read (monotonic)."""

    def __init__(self, plain: socket.socket) -> None:
        timeout = plain.gettimeout()
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.settimeout(timeout)
        self.arrived = time.monotonic()
        with contextlib.suppress(OSError):  # where there is no such option the moment of reading has to do
            self.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Read as a socket does, and note when the bytes came."""
        room = memoryview(buffer)[:nbytes] if nbytes else buffer
        count, messages, _, _ = self.recvmsg_into([room], _ROOM, flags)
        self.arrived = time.monotonic()
        self._acknowledge()
        for level, kind, data in messages:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(data) == _STAMP.size:
                seconds, nanoseconds = _STAMP.unpack(data)
                waited = time.time() - seconds - nanoseconds * 1e-9
                if 0 <= waited <= BELIEVED_S:
                    self.arrived -= waited
        return count

    def _acknowledge(self) -> None:
        """Have the kernel answer what comes next at once: many cameras' next picture waits for that (Nagle)."""
        if hasattr(socket, "TCP_QUICKACK"):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
