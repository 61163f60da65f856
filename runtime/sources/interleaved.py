"""The bytes of an RTSP connection over TCP, cut into messages and the media packets between them (RFC 2326, 10.12)."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["HEADER", "InterleavedSplitter"]

HEADER = 4  # bytes before a packet: "$", the channel, the length in two bytes
LONGEST_MESSAGE = 1 << 18  # what has no end before that is no RTSP
_DOLLAR = ord("$")
_BEGINNING = re.compile(rb"[$A-Za-z]")
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*(\d{1,9})", re.IGNORECASE)


class InterleavedSplitter:
    """Gives whole messages and packets however the bytes were split on their way."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[memoryview]:
        """Every message and packet that is complete now; a packet begins with "$", and joined they are what was fed."""
        data = self._rest + data if self._rest else data
        view, at = memoryview(data), 0
        while at < len(data):
            stop = self._packet_end(data, at) if data[at] == _DOLLAR else self._message_end(data, at)
            if stop is None or stop > len(data):
                break
            yield view[at:stop]
            at = stop
        self._rest = data[at:]

    def _packet_end(self, data: bytes, at: int) -> int | None:
        if len(data) - at < HEADER:
            return None
        return at + HEADER + (data[at + 2] << 8 | data[at + 3])

    def _message_end(self, data: bytes, at: int) -> int | None:
        begins = _BEGINNING.search(data, at)
        if begins is None:
            return len(data)
        if begins.start() > at:  # line ends that some cameras send between messages
            return begins.start()
        blank = data.find(b"\r\n\r\n", at)
        length = _LENGTH.search(data, at, blank + 2) if blank >= 0 else None
        stop = blank + 4 + (int(length[1]) if length else 0) if blank >= 0 else None
        if (stop or len(data)) - at > LONGEST_MESSAGE:
            raise ValueError("a message without end")
        return stop
