"""An RTSP camera, through OpenCV's FFmpeg; one over TCP through a relay that has FFmpeg give pictures at once."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import cv2
import numpy as np

from ..errors import SourceError
from ..frame import Frame
from .credentials import parse_address, shown
from .lag import STALE_S, Lag
from .rtsp_relay import RtspRelay
from .silence import silence_opencv

__all__ = ["RtspStream"]

OPEN_MS, READ_MS = 3000, 2000
KEY_MS = 20000  # for a key picture while bytes come; a relay sees whether they do
CATCH_UP = 300  # pictures
PARSED = ("h264", "avc1", "hevc", "hvc1", "hev1")  # without a relay FFmpeg gives a picture when the next begins to come
OVER_TCP = "rtsp_transport;tcp"
# what FFmpeg looks at first is kept ("nobuffer" would drop it): the next key picture may be many seconds away
OPTIONS = OVER_TCP + "|flags;low_delay|allowed_media_types;video"
QUICK = "|analyzeduration;300000"  # enough where the camera describes its stream, as most do; opens in .3 s, not 2
VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # the user's own options win
WAYS = ((True, True), (True, False), (False, True), (False, False))  # through a relay, quickly
_opening = threading.Lock()


class RtspStream:
    """The pictures of an RTSP camera; what waited in a dead connection's buffers is passed over."""

    live = True

    def __init__(self, url: str, *, name: str | None = None, complain: Callable[[str], None] = lambda _: None) -> None:
        self._address = parse_address(url)
        self.name = name or self._address.name
        self._complain = complain  # told when the camera cannot be watched through the relay
        self._capture: cv2.VideoCapture | None = None
        self._relay: RtspRelay | None = None
        self._owned = contextlib.ExitStack()
        self._index = 0
        self._lag = Lag()
        self._stopping = self._parsed = False
        self._works: tuple[bool, bool] | None = None  # the first of `WAYS` that ever opened this camera
        self._last_stamp = 0.0  # the stream's own clock, seconds

    def read(self) -> Frame | None:
        """The next picture that is not stale."""
        assert self._capture is not None
        while not self._stopping:
            if not self._capture.grab():
                self._check_connection()
                return None
            given = time.monotonic()
            captured = self._when_captured(given, self._stamp())
            index, self._index = self._index, self._index + 1
            if given - captured > STALE_S:
                continue
            good, image = self._capture.retrieve()
            if good:
                wall = time.time() - (time.monotonic() - captured)
                return Frame(np.asarray(image, np.uint8), index, captured, wall, self.name)
        return None

    def interrupt(self) -> None:
        """A read that waits ends with the relay's connection, or by its own timeout."""
        self._stopping = True
        if (relay := self._relay) is not None:
            relay.hang_up()

    def __enter__(self) -> RtspStream:
        self._lag, self._stopping = Lag(), False
        for way in WAYS:
            if self._may_go(way) and self._open(*way):
                if self._works is None and self._may_relay() and not way[0]:
                    self._say_direct("cannot be opened through the relay that has pictures come at once")
                self._works = self._works or way
                return self
        raise self._unopened()

    def __exit__(self, *exc: object) -> None:
        self._owned.close()
        self._capture = self._relay = None

    def _may_relay(self) -> bool:
        return self._address.url.lower().startswith("rtsp://") and OVER_TCP in os.environ.get(VARIABLE, OPTIONS)

    def _may_go(self, way: tuple[bool, bool]) -> bool:
        """Whether to try to open the camera so: a relay that has served it is not given up when it is away for once."""
        if self._works is None:
            return way <= (self._may_relay(), True)
        return way[0] == self._works[0] and way <= self._works

    def _open(self, relayed: bool, quick: bool) -> bool:
        """Whether pictures come this way; SourceError where another way could not help."""
        begun = time.monotonic()
        options, relay = OPTIONS + QUICK if quick else OPTIONS, None
        if relayed:
            relay = self._relay = self._relay_entered()
            self._capture = self._opened(relay.url, options, KEY_MS)
        else:
            self._check_way()
            self._capture = self._opened(self._address.with_login, options, READ_MS)
        if self._capture is not None:
            self._owned.callback(self._capture.release)
            self._begin(self._capture)
            if relay is None or not relay.unfit:
                return True
        self._check_relay()
        self.__exit__()
        silent = relay is not None and not relay.answered and time.monotonic() - begun > OPEN_MS / 2e3
        if self._stopping or silent or (relay is not None and relay.refused):
            raise self._unopened()
        return False

    def _relay_entered(self) -> RtspRelay:
        try:
            return self._owned.enter_context(RtspRelay(self._address, OPEN_MS / 1e3, READ_MS / 1e3))
        except (OSError, UnicodeError):  # the latter for a name that is none
            raise self._unopened() from None

    def _unopened(self) -> SourceError:
        return SourceError(f"{self.name}: cannot be opened: is it there, are address, user and password right?")

    def _begin(self, capture: cv2.VideoCapture) -> None:
        fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=False)
        self._parsed = fourcc.decode("latin-1").lower() in PARSED
        self._last_stamp = 0.0
        self._catch_up(1 / min(max(capture.get(cv2.CAP_PROP_FPS), 5), 120))

    def _check_connection(self) -> None:
        """SourceError where it was lost, and not interrupted."""
        if not self._stopping:
            self._check_relay()
            raise SourceError("no picture came in time, or the connection broke")

    def _check_relay(self) -> None:
        """Do without a relay from now on where it does not suit the camera."""
        if self._relay is not None and self._relay.unfit:
            self._works = (False, True)
            self._say_direct(self._relay.unfit)

    def _check_way(self) -> None:
        """SourceError where FFmpeg would take the log-in along to another place."""
        if not (self._address.user or self._address.password):
            return
        from .rtsp_moved import elsewhere  # most cameras are watched through the relay, which goes nowhere else

        place = elsewhere(self._address, OPEN_MS / 1e3)
        if place is not None:
            raise SourceError(
                f"{self.name}: sends its viewers to {_host(place)}: it is not given this one's log-in; "
                "name that address instead"
            )

    def _say_direct(self, why: str) -> None:
        self._complain(f"{self.name}: {why}; taken directly from now on, so that pictures come one period later")

    def _when_captured(self, given: float, stamp: float) -> float:
        """When the camera took the picture that FFmpeg gave now: when it came, less what it came later than others."""
        known = self._relay.arrivals.find(stamp) if self._relay is not None else None
        if known is not None:
            arrived, stream_time = known
            return arrived - self._lag.late(arrived, stream_time)
        held = min(max(stamp - self._last_stamp, 0), STALE_S) if self._parsed and self._last_stamp else 0.0
        self._last_stamp = stamp
        return given - held - self._lag.late(given, stamp)

    def _stamp(self) -> float:
        assert self._capture is not None
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3

    def _catch_up(self, period: float) -> None:
        """Pass over what was buffered while the stream was looked at: it is not waited for as live pictures are."""
        assert self._capture is not None
        for _ in range(CATCH_UP):
            waited = time.thread_time() - time.monotonic()
            if self._stopping or not self._capture.grab():
                break
            waited += time.monotonic() - time.thread_time()
            if waited > period / 2:
                break
        self._last_stamp = self._stamp()

    def _opened(self, url: str, options: str, read_ms: int) -> cv2.VideoCapture | None:
        parameters = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_ms),
            *(cv2.CAP_PROP_N_THREADS, 1),  # frame threads would hold back one picture each
        ]
        silence_opencv()
        with _opening:
            users = os.environ.get(VARIABLE)
            os.environ[VARIABLE] = options if users is None else users
            try:
                capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, parameters)
            finally:
                if users is None:
                    del os.environ[VARIABLE]
        return capture if capture.isOpened() else None


def _host(url: str) -> str:
    """The host and port of an address from elsewhere, as people may see it."""
    try:
        return shown(urlsplit(url).netloc.rpartition("@")[2]) or "no address"
    except ValueError:
        return "no address"
