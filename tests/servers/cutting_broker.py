"""A broker that answers as MQTT 3.1.1 wants it, and resets every connection after some messages."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

__all__ = ["CuttingBroker"]

_CONNECT, _PUBLISH, _PING = 1, 3, 12
_RESET = struct.pack("ii", 1, 0)  # no lingering: what was not sent yet is thrown away


class CuttingBroker:
    """Takes `each` messages a connection; a context manager. `topics` are those of all that it has answered."""

    def __init__(self, each: int) -> None:
        self.connections, self.topics = 0, list[str]()
        self._each, self._socket = each, socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> CuttingBroker:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _answer(self, connection: socket.socket) -> None:
        left = self._each
        for kind, flags, body in _packets(connection):
            if kind == _CONNECT:
                connection.sendall(b"\x20\x02\x00\x00")
            elif kind == _PING:
                connection.sendall(b"\xd0\x00")
            elif kind == _PUBLISH and flags & 2:
                if not left:
                    return
                (length,) = struct.unpack(">H", body[:2])
                self.topics.append(body[2 : 2 + length].decode())
                connection.sendall(b"\x40\x02" + body[2 + length : 4 + length])
                left -= 1


def _packets(connection: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Kind, flags and body of what comes."""
    with connection.makefile("rb") as stream:
        while head := stream.read(1):
            length, shift = 0, 0
            while True:
                byte = stream.read(1)[0]
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            yield head[0] >> 4, head[0] & 15, stream.read(length)
