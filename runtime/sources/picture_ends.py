"""The end of a picture, said in the RTP packet that ends it.

FFmpeg's parsers of H.264 and H.265 take a picture for complete when the next one begins: a whole period late. An access
unit delimiter, with which a next picture begins, lets them give it at once. RTP marks the packet that ends a picture,
so the delimiter goes to the end of that packet.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from .interleaved import HEADER

__all__ = ["Arrivals", "PictureEnds"]

CLOCK = 90000  # ticks a second of every video stream's time stamps
KEPT = 512  # pictures whose arrival is known; FFmpeg and the sockets hold fewer
RTP_HEADER, PADDED = 12, 0x20
SHORTEST = 5  # bytes of a payload in which the kinds below can be told apart
START = b"\0\0\0\1"  # FFmpeg writes it before each NAL unit, too
H264_DELIMITER, H265_DELIMITER = b"\x09\xf0", b"\x46\x01\x50"
YOUNG, LONG = 100, 300  # pictures: what goes wrong once in so few is the camera's way; later it must come 3 times
_MEDIA = re.compile(r"^m=", re.MULTILINE)
_CODEC = re.compile(r"^a=rtpmap:(\d+)[ \t]+(H264|H265)/90000\s*$", re.MULTILINE | re.IGNORECASE)


def _h264(payload: memoryview) -> tuple[bytes, bool]:
    """What ends the picture after this RTP payload (RFC 6184), empty where that is not known; whether it is a slice."""
    kind = payload[0] & 0x1F
    if kind == 24:  # several NAL units, each with its length before it
        return b"\0\2" + H264_DELIMITER, payload[3] & 0x1F in (1, 5)
    if kind == 28:  # a fragment; the last one has a bit for it
        return START + H264_DELIMITER if payload[1] & 0x40 else b"", payload[1] & 0x1F in (1, 5)
    return START + H264_DELIMITER if 0 < kind < 24 else b"", kind in (1, 5)


def _h265(payload: memoryview) -> tuple[bytes, bool]:
    """The same of RFC 7798."""
    kind = payload[0] >> 1 & 0x3F
    if kind == 48:
        return b"\0\3" + H265_DELIMITER, payload[4] >> 1 & 0x3F < 32
    if kind == 49:
        return START + H265_DELIMITER if payload[2] & 0x40 else b"", payload[2] & 0x3F < 32
    return START + H265_DELIMITER if kind < 48 else b"", kind < 32


_ENDS: dict[str, Callable[[memoryview], tuple[bytes, bool]]] = {"H264": _h264, "H265": _h265}


class Arrivals:
    """When each picture came, found by the stream time at which FFmpeg gives it; one thread notes, another finds.

    A picture that the delimiter begins has the time stamp of the one before, and FFmpeg counts from a stamp that it
    does not tell: the least difference there has been to the newest picture is that of a picture which did not wait.
    """

    def __init__(self) -> None:
        self._table: dict[int, tuple[float, float]] = {}
        self._latest: int | None = None  # the newest picture's own time stamp
        self._newest: int | None = None  # the one that FFmpeg gives it
        self._offset: int | None = None

    def note(self, ticks: int, arrived: float) -> None:
        """A picture's last packet came (monotonic seconds)."""
        key = self._newest
        if key is None or ticks != self._latest:
            key = ticks if self._latest is None else self._latest
        self._table[key] = (arrived, ticks / CLOCK)
        self._latest, self._newest = ticks, key
        if len(self._table) > KEPT:
            del self._table[next(iter(self._table))]

    def find(self, stream_time: float) -> tuple[float, float] | None:
        """When a picture arrived, and its true stream time (seconds); None where pictures' ends are not marked."""
        if (newest := self._newest) is None:
            return None
        position = round(stream_time * CLOCK)
        offset = newest - position
        self._offset = offset if self._offset is None else min(offset, self._offset)
        ends = self._table.get(position + self._offset)
        if ends is None:  # the camera's clock or FFmpeg's count has jumped
            self._offset, ends = offset, self._table[newest]
        return ends


class PictureEnds:
    """Marks the pictures' ends of the first video stream that a camera describes."""

    def __init__(self) -> None:
        self.arrivals = Arrivals()
        self.unfit = ""  # why this camera is better watched without a relay
        self._end_of: dict[int, Callable[[memoryview], tuple[bytes, bool]]] = {}
        self._channel: int | None = None
        self._stamp: int | None = None
        self._ticks = 0
        self._ended: int | None = None  # when the last picture was
        self._pictures = 0
        self._doubts: deque[int] = deque(maxlen=3)

    def learn(self, description: str) -> None:
        """Take from the SDP which payload types are video whose end can be marked."""
        video = [part for part in _MEDIA.split(description)[1:] if part.startswith("video") and "RTP/AVP" in part]
        self._end_of = {int(kind): _ENDS[codec.upper()] for kind, codec in _CODEC.findall(video[0] if video else "")}
        self._channel = None

    def marked(self, packet: memoryview, arrived: float) -> bytes | None:
        """The interleaved packet with the picture's end in it; None where it is to go on as it came."""
        payload = self._payload(packet)
        if payload is None:
            return None
        end, is_slice = self._end_of[packet[5] & 0x7F](payload)
        ticks = self._unwrapped(int.from_bytes(packet[8:12], "big"))
        if is_slice and self._ended is not None and ticks <= self._ended:
            self._judge(self._ended - ticks)
        length = len(payload) + len(end) + _header_size(packet)
        if not packet[5] & 0x80 or not end or length > 0xFFFF:
            return None
        if is_slice:
            self._ended, self._pictures = ticks, self._pictures + 1
        self.arrivals.note(ticks, arrived)
        start = bytes((packet[0], packet[1], length >> 8, length & 0xFF, packet[4] & ~PADDED))
        return b"".join((start, packet[5 : HEADER + _header_size(packet)], payload, end))

    def _payload(self, packet: memoryview) -> memoryview | None:
        """What a packet of the video stream carries; None for every other packet."""
        if len(packet) < HEADER + RTP_HEADER or packet[5] & 0x7F not in self._end_of:
            return None
        if self._channel is None:
            self._channel = packet[1]
        stop = len(packet) - (packet[-1] if packet[4] & PADDED else 0)
        payload = packet[HEADER + _header_size(packet) : max(stop, 0)]
        return payload if packet[1] == self._channel and len(payload) >= SHORTEST else None

    def _judge(self, ticks_back: int) -> None:
        if ticks_back > CLOCK:  # the camera's clock was set
            return
        self._doubts.append(self._pictures)
        often = len(self._doubts) == self._doubts.maxlen and self._pictures - self._doubts[0] < LONG
        if self._pictures < YOUNG or often:
            ordered = "sends its pictures in another order than it took them"  # FFmpeg would mix up their stamps
            self.unfit = ordered if ticks_back else "marks ends within its pictures"

    def _unwrapped(self, stamp: int) -> int:
        """A time stamp counted on beyond 32 bits."""
        if self._stamp is None:
            self._ticks = stamp
        else:
            step = (stamp - self._stamp) & 0xFFFFFFFF
            self._ticks += step - (1 << 32 if step >> 31 else 0)
        self._stamp = stamp
        return self._ticks


def _header_size(packet: memoryview) -> int:
    """Bytes of an RTP header with its contributing sources and its extension."""
    size = RTP_HEADER + 4 * (packet[4] & 0x0F)
    if packet[4] & 0x10 and len(packet) >= HEADER + size + 4:
        size += 4 + 4 * int.from_bytes(packet[HEADER + size + 2 : HEADER + size + 4], "big")
    return size
