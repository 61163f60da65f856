"""WebM of VP8 key pictures: what every browser plays, made with the WebP encoder that every OpenCV has.

A lossy WebP picture is one VP8 key picture. Coding each picture for itself takes less time than OpenCV's own VP8 writer
(benchmarks/live_clip.py), lets several cores share the work, and keeps the true time of every picture. The file grows
by whole clusters: what a killed process leaves behind plays.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from .protocol import Picture

__all__ = ["WebmFile"]

QUALITY = 70  # as WebP counts it
CLUSTER_S = 1.0
LARGEST = 16383  # pixels of a side that VP8 can say
_HEAD_ROOM = 192  # bytes kept free for the table of what lies where, which is known at the end

# element ids of Matroska
_EBML, _SEGMENT, _SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_AT = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _SCALE, _LENGTH, _MUXER, _WRITER = 0x1549A966, 0x2AD7B1, 0x4489, 0x4D80, 0x5741
_TRACKS, _TRACK, _NUMBER, _UID, _KIND, _CODEC, _LACING = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x86, 0x9C
_VIDEO, _WIDTH, _HEIGHT = 0xE0, 0xB0, 0xBA
_CLUSTER, _TIME, _BLOCK = 0x1F43B675, 0xE7, 0xA3
_CUES, _POINT, _CUE_TIME, _PLACE, _CUE_TRACK, _CUE_AT, _VOID = 0x1C53BB6B, 0xBB, 0xB3, 0xB7, 0xF7, 0xF1, 0xEC
_UNKNOWN = b"\x01" + b"\xff" * 7


class WebmFile:
    """A WebM under way; pictures are coded beside the caller, up to a few ahead."""

    def __init__(self, path: Path, size: tuple[int, int], threads: int = 1) -> None:
        self._size = size  # width, height
        self._stream: IO[bytes] = open(path, "wb", buffering=0)  # noqa: PTH123, SIM115
        self._coders = ThreadPoolExecutor(threads, "edgelens-vp8", _step_back)
        self._coming: deque[tuple[int, Future[bytes]]] = deque()  # milliseconds and the picture being coded
        self._ahead = threads + 1
        self._cluster: list[tuple[int, bytes]] = []  # milliseconds and the coded picture
        self._cues: list[tuple[int, int]] = []  # milliseconds and the cluster's place in the segment
        self.kept = self.lost = 0  # pictures that are in the file, and that could not be
        self._end_ms = self._step_ms = 0
        self._last_ms = -1
        self._at = 0
        try:
            self._begin()
        except OSError:
            self.close()
            raise

    def add(self, image: Picture, moment_s: float) -> float:
        """Take a picture that is shown from that second on, to the millisecond; OSError where the disk took no more."""
        ms = max(round(moment_s * 1e3), self._last_ms + 1)
        self._step_ms, self._last_ms = ms - max(self._last_ms, 0), ms
        self._coming.append((ms, self._coders.submit(_coded, image, self._size)))
        while len(self._coming) > self._ahead:
            self._take(*self._coming.popleft())
        return ms / 1e3

    def finish(self, end_s: float | None = None) -> None:
        """Write what is open and the table of contents; the last picture stays until `end_s`."""
        try:
            while self._coming:
                self._take(*self._coming.popleft())
            end_ms = self._last_ms + self._step_ms if end_s is None else round(end_s * 1e3)
            self._end_ms = max(end_ms, self._last_ms + 1)
            self._write_cluster()
            self._write_contents()
            os.fsync(self._stream.fileno())
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file as it is."""
        self._coders.shutdown(wait=True, cancel_futures=True)
        self._stream.close()

    def _take(self, ms: int, coming: Future[bytes]) -> None:
        try:
            if self._cluster and ms - self._cluster[0][0] >= CLUSTER_S * 1e3:
                self._write_cluster()
        finally:
            self._cluster.append((ms, coming.result()))

    def _begin(self) -> None:
        head = _element(
            _EBML,
            *(_number(0x4286, 1), _number(0x42F7, 1), _number(0x42F2, 4), _number(0x42F3, 8)),
            *(_element(0x4282, b"webm"), _number(0x4287, 2), _number(0x4285, 2)),
        )
        self._write(head + _id(_SEGMENT) + _UNKNOWN)
        self._segment = self._at
        self._write(_void(_HEAD_ROOM))
        self._info = self._at
        self._write(self._described(0.0))
        width, height = self._size
        video = _element(_VIDEO, _number(_WIDTH, width), _number(_HEIGHT, height))
        codec = _element(_CODEC, b"V_VP8")
        track = _element(
            _TRACK, _number(_NUMBER, 1), _number(_UID, 1), _number(_KIND, 1), _number(_LACING, 0), codec, video
        )
        self._tracks = self._at
        self._write(_element(_TRACKS, track))

    def _described(self, length_ms: float) -> bytes:
        """Always of one size: it is written again when the length is known."""
        length = _element(_LENGTH, struct.pack(">d", length_ms))
        by = _element(_MUXER, b"edgelens") + _element(_WRITER, b"edgelens")
        return _element(_INFO, _number(_SCALE, 1_000_000), length, by)

    def _write_cluster(self) -> None:
        if not self._cluster:
            return
        cluster, self._cluster = self._cluster, []
        begin, at = cluster[0][0], self._at - self._segment
        blocks = [_element(_BLOCK, struct.pack(">BhB", 0x81, ms - begin, 0x80), data) for ms, data in cluster]
        self.lost += len(cluster)
        self._write(_element(_CLUSTER, _number(_TIME, begin), *blocks))
        self.lost, self.kept = self.lost - len(cluster), self.kept + len(cluster)
        self._cues.append((begin, at))

    def _write_contents(self) -> None:
        cues_at = self._at - self._segment
        places = [
            _element(_POINT, _number(_CUE_TIME, ms), _element(_PLACE, _number(_CUE_TRACK, 1), _number(_CUE_AT, at)))
            for ms, at in self._cues
        ]
        self._write(_element(_CUES, *places))
        parts = ((_INFO, self._info - self._segment), (_TRACKS, self._tracks - self._segment), (_CUES, cues_at))
        seeks = [_element(_SEEK, _element(_SEEK_ID, _id(what)), _number(_SEEK_AT, at)) for what, at in parts]
        table = _element(_SEEK_HEAD, *seeks)
        end = self._at
        self._put(self._segment, table + _void(_HEAD_ROOM - len(table)))
        self._put(self._info, self._described(float(self._end_ms)))
        self._put(self._segment - 8, struct.pack(">Q", end - self._segment | 1 << 56))

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._stream.write(left) or 0 :]
        except OSError:  # what is there stays a whole file, and can go on when there is room again
            self._stream.truncate(self._at)
            self._stream.seek(self._at)
            raise
        self._at += len(data)

    def _put(self, at: int, data: bytes) -> None:
        """Write over what is there already, which takes no room."""
        self._stream.seek(at)
        self._stream.write(data)


def _step_back() -> None:
    """The camera goes before its recordings: this thread takes what others leave."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _coded(image: NDArray[np.uint8], size: tuple[int, int]) -> bytes:
    """A picture as one VP8 key picture: the chunk in a lossy WebP."""
    if (image.shape[1], image.shape[0]) != size:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes()
    at = 12
    while data[at : at + 4] != b"VP8 ":
        at += 8 + (int.from_bytes(data[at + 4 : at + 8], "little") + 1) // 2 * 2
    return data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]


def _id(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _element(what: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _id(what) + struct.pack(">Q", len(body) | 1 << 56) + body


def _number(what: int, value: int) -> bytes:
    return _element(what, value.to_bytes(8, "big"))


def _void(size: int) -> bytes:
    return _element(_VOID, bytes(size - 9))
