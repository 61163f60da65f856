"""JPEG pictures out of a stream of bytes, with or without anything between them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["JpegSplitter", "Picture"]

LARGEST = 64 * 1024 * 1024  # bytes of one picture
STALL_S = 1.0  # a picture that stood still this long on its way is old and passed over

_LENGTH = re.compile(rb"content-length:\s*(\d{1,9})", re.IGNORECASE)
_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # inside a scan 0xff is stuffed, filled or a restart


@dataclass(frozen=True)
class Picture:
    """An encoded picture and the moment its first bytes came (monotonic seconds)."""

    data: bytes
    began: float


class JpegSplitter:
    """Takes bytes as they come and gives the pictures that are complete.

    A multipart header's Content-Length is believed when a picture of that length ends as JPEGs do; else the
    picture's own segments are walked, so that thumbnails inside it and servers with wrong boundaries do no harm.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._began = self._last = 0.0
        self._inside = self._stalled = False
        self._scanned, self._searched = 2, 0  # where the walk through an unfinished picture goes on
        self._length: int | None = None

    def feed(self, chunk: bytes, arrived: float | None = None) -> Iterator[Picture]:
        """The pictures that this chunk completes, which came now unless another moment (monotonic) is given."""
        now = time.monotonic() if arrived is None else arrived
        if self._inside and now - self._last > STALL_S:
            self._stalled = True
        self._last = now
        self._data += chunk
        while self._inside or self._enter(now):
            end = self._end()
            if end is None:
                if len(self._data) > LARGEST:
                    self._forget(len(self._data))
                return
            with memoryview(self._data) as view:
                picture, stalled = Picture(bytes(view[:end]), self._began), self._stalled
            self._forget(end)
            if not stalled:
                yield picture

    def _enter(self, now: float) -> bool:
        """Whether a picture begins; what stands before it is a multipart header or noise."""
        start = self._data.find(b"\xff\xd8\xff")
        if start < 0:
            del self._data[:-4096]
            return False
        lengths = _LENGTH.findall(self._data, 0, start)
        self._length = int(lengths[-1]) if lengths else None
        del self._data[:start]
        self._began, self._scanned, self._searched = now, 2, 0
        self._inside, self._stalled = True, False
        return True

    def _end(self) -> int | None:
        """The length of the picture that begins the data, None while it is not complete."""
        length = self._length
        if length is not None and 4 <= length <= LARGEST:
            if len(self._data) < length:
                return None
            if self._data[length - 2 : length] == b"\xff\xd9":
                return length
            self._length = None
        return self._walk()

    def _walk(self) -> int | None:
        data, at = self._data, self._scanned
        while at + 4 <= len(data) or data[at : at + 2] == b"\xff\xd9":
            marker = data[at + 1]
            if data[at] != 0xFF or marker == 0xD8:  # no segment: damaged; look for the next picture after it
                return at
            if marker == 0xD9:
                return at + 2
            if marker == 0xFF:
                at += 1
            else:
                at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
                if marker == 0xDA:
                    end = _SCAN_END.search(data, max(at, self._searched))
                    if end is None:
                        self._searched = max(at, len(data) - 1)
                        return None
                    at = end.start()
            self._scanned = at
        return None

    def _forget(self, end: int) -> None:
        del self._data[:end]
        self._length, self._inside = None, False
