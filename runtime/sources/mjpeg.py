"""An HTTP camera: a multipart stream of JPEGs, or one JPEG that is fetched again and again."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import time
from collections import deque
from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit

from ..errors import ImageError, SourceError
from ..frame import Frame
from ..images.read import decode_image
from .arrival import ArrivalSocket
from .credentials import parse_address, shown
from .http_login import authorization, challenges
from .jpeg_stream import JpegSplitter, Picture

__all__ = ["MjpegStream"]

PATIENCE_S = 2.0  # for a connection and an answer, and for the next picture of a running stream
LONGEST_PATIENCE_S = 8.0  # for the first picture of a camera that may be slow
CHUNK = 16384  # a kernel stamps what is read at once by its last byte, so not much at once
NO_PICTURE_S = 30.0  # a stream of bytes of which no picture comes is lost
_SPELLED = "/?%:@!$&'()*+,;=~-._[]|"  # left as they are in what is asked for
HOPS = 5  # redirects and log-ins together
BEHIND = 8  # pictures that are passed over undecoded at once when decoding is slower than the camera


class MjpegStream:
    """The pictures of an HTTP camera, decoded here: the newest one that has arrived each time."""

    live = True

    def __init__(self, url: str, *, name: str | None = None) -> None:
        self._address = parse_address(url)
        self.name = name or self._address.name
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self._splitter = JpegSplitter()
        self._pictures: deque[Picture] = deque()
        self._index = 0
        self._first_patience = PATIENCE_S
        self._got_one = self._single = self._whole = False

    def read(self) -> Frame | None:
        """The newest picture that has arrived, or the next one."""
        ends = time.monotonic() + NO_PICTURE_S
        while True:
            picture = self._newest(ends)
            if picture is None:
                return None
            index, self._index = self._index, self._index + 1
            try:
                image = decode_image(picture.data, self.name)
            except ImageError as error:  # one damaged picture; the next one is on its way
                if time.monotonic() > ends:
                    raise SourceError(f"none of its pictures can be decoded ({error})") from None
                continue
            return Frame(image, index, picture.began, time.time() - (time.monotonic() - picture.began), self.name)

    def interrupt(self) -> None:
        """Shut the connection, so that a read that waits returns."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> MjpegStream:
        self._splitter, self._got_one = JpegSplitter(), False
        self._pictures.clear()
        try:
            self._request()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._response is not None:
            self._response.close()
        self._connection = self._response = self._socket = None

    def _newest(self, ends: float) -> Picture | None:
        while not self._pictures:
            if not self._receive():
                return None
            if time.monotonic() > ends:
                raise SourceError("no picture came in time")
        skipped = 0
        while skipped < BEHIND and (len(self._pictures) > 1 or self._more_is_there()):
            if len(self._pictures) > 1:
                self._pictures.popleft()
                self._index, skipped = self._index + 1, skipped + 1
            elif not self._receive():
                break
        if not self._got_one:
            self._got_one, self._first_patience = True, PATIENCE_S
            self._set_patience(PATIENCE_S)
        return self._pictures.popleft()

    def _receive(self) -> bool:
        """Take what has come; False at the end of the stream."""
        assert self._response is not None
        try:
            chunk = self._response.read1(CHUNK)
        except TimeoutError:
            self._first_patience = min(self._first_patience * 2, LONGEST_PATIENCE_S)
            raise SourceError("no picture came in time") from None
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"the connection broke ({_reason(error)})") from None
        if not chunk:
            if self._single and not self._whole:
                raise SourceError("what it gives is no whole picture")
            return self._single and self._again()
        arrived = self._socket.arrived if isinstance(self._socket, ArrivalSocket) else time.monotonic()
        pictures = list(self._splitter.feed(chunk, arrived))
        self._pictures.extend(pictures)
        self._whole = self._whole or bool(pictures)
        return True

    def _more_is_there(self) -> bool:
        if self._single or self._socket is None or self._socket.fileno() < 0:
            return False
        return bool(select.select([self._socket], [], [], 0)[0])

    def _again(self) -> bool:
        """Fetch a still picture's next version."""
        self.__exit__()
        self._request()
        return True

    def _set_patience(self, seconds: float) -> None:
        if self._socket is not None and self._socket.fileno() >= 0:  # one that is read to its end closes by itself
            self._socket.settimeout(seconds)

    def _request(self) -> None:
        url, login, self._whole = self._address.url, None, False
        for _ in range(HOPS):
            response = self._get(url, login)
            if response.status in (301, 302, 303, 307, 308):
                url, login = _joined(url, response.getheader("Location", "")), None
            elif response.status == 401 and not _same_place(url, self._address.url):
                raise SourceError(
                    f"{self.name}: redirects to {shown(urlsplit(url).netloc)}, which asks for a log-in: "
                    "it is not given this one's; name that address instead"
                )
            elif response.status == 401 and login is None and self._address.user:
                login = self._login(url, response.headers.get_all("WWW-Authenticate", []))
                if login is None:
                    raise SourceError(f"{self.name}: asks for a log-in of a kind that is not known here")
            elif response.status != 200:
                hint = "; give user and password" if response.status == 401 else ""
                raise SourceError(f"{self.name}: answered {response.status} {shown(response.reason, 60)}{hint}")
            else:
                self._check_type(response)
                self._set_patience(self._first_patience)
                return
        raise SourceError(f"{self.name}: redirects or asks for a log-in without end")

    def _login(self, url: str, offered: Iterable[str]) -> str | None:
        """The answer to what a camera asks for; None where nothing of that is known here."""
        user, password, target = self._address.user, self._address.password, _target(url)
        answers = (authorization(challenge, user, password, target) for challenge in challenges(offered))
        return next((answer for answer in answers if answer is not None), None)

    def _get(self, url: str, login: str | None) -> http.client.HTTPResponse:
        self.__exit__()
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(f"{self.name}: redirects to something that is no http:// address")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        try:
            self._connection = connection = kind(parts.hostname, parts.port, timeout=PATIENCE_S)
            connection.connect()
            if parts.scheme == "http":  # what comes through TLS is no longer what the kernel saw
                connection.sock = ArrivalSocket(connection.sock)
            self._socket = connection.sock
            connection.request("GET", _target(url), headers={"Authorization": login} if login else {})
            self._response = connection.getresponse()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SourceError(f"{self.name}: cannot be reached ({_reason(error)})") from None
        return self._response

    def _check_type(self, response: http.client.HTTPResponse) -> None:
        kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
        self._single = kind.startswith("image/")
        if not self._single and not kind.startswith("multipart/") and kind not in ("", "application/octet-stream"):
            raise SourceError(f"{self.name}: gives {shown(kind, 60)}, not an MJPEG stream (multipart/x-mixed-replace)")


def _target(url: str) -> str:
    """What a request asks for; blanks and letters beyond ASCII are spelled as HTTP wants it."""
    parts = urlsplit(url)
    return quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SPELLED)


def _joined(url: str, location: str) -> str:
    try:
        joined = urljoin(url, location)
        _ = urlsplit(joined).port
    except ValueError:
        return ""
    return joined


def _same_place(url: str, asked: str) -> bool:
    """Whether a log-in may go there: to the host and port that it was given for, or the same host's TLS."""
    there, here = urlsplit(url), urlsplit(asked)
    if (there.hostname, there.scheme, there.port) == (here.hostname, here.scheme, here.port):
        return True
    upgraded = (here.scheme, here.port or 80, there.scheme, there.port or 443) == ("http", 80, "https", 443)
    return there.hostname == here.hostname and upgraded


def _reason(error: Exception) -> str:
    """Why in a few words; what the address holds is in none of them."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return shown(error.strerror or str(error) or type(error).__name__, 100)
    if isinstance(error, ValueError | http.client.InvalidURL):
        return "is no address that can be asked for"
    return f"the answer is no HTTP: {type(error).__name__}"
