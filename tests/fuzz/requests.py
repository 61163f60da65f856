"""Request heads and bodies of every odd kind, sent to a real server over a socket."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgelens.runtime.frame import Frame
from edgelens.runtime.live.http.access import Access
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.model.open import open_model
from edgelens.runtime.result import Result

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]

TOKEN = "a-token-that-nobody-knows"
GETS = (
    "/", "/live/state", "/live/thumbs/1", "/live/snapshot?source=camera", "/v1/health", "/v1/models", "/metrics",
    "/v1/openapi.json", "/style.css", "/nothing", f"/?token={TOKEN}", "/v1/recognize", "/live/settings",
    "/v1/events", "/v1/events?label=x&since=1&until=2&before=5&limit=3", "/v1/events?since=nan&limit=0",
    "/live/moments/1", "/live/moments/1/picture", "/live/moments/1/clip", "/live/moments/999999999999999999/clip",
    "/live/gallery", "/live/gallery/portrait?name=../x", "/live/gallery?source=camera",
)  # fmt: skip
HEADS = (
    "Host: localhost", f"Authorization: Bearer {TOKEN}", "Cookie: a=b; edgelens_8080=0123; c=d", "Origin: http://localhost",
    "Sec-Fetch-Site: same-origin", "Accept: */*", "Connection: close", "Expect: 100-continue", "Upgrade: websocket",
    "Content-Type: application/json", "Range: bytes=0-1",
)  # fmt: skip
POSTS = ("/v1/recognize", "/v1/recognize?threshold=.5", "/live/settings", "/live/collect", "/live/model", "/v1/teach",
    "/v1/teach?name=x", "/live/gallery",
)  # fmt: skip
BODIES = (
    b'{"source": null, "threshold": 0.5, "smoothing": 0.5, "agree": [3, 5], "region": [0, 0, 1, 1], "paused": false}',
    b'{"max_fps": 30, "threshold": null, "region": null}',
    b'{"label": "a", "source": "camera"}',
    b'{"model": "digits"}',
    b'{"name": "x", "source": "camera", "box": [0, 0, 20, 20]}',
    b'{"name": "x", "box": [NaN, 1e999, -1e999, ' + b"9" * 400 + b"]}",
    b'{"undo": "0123456789abcdef"}',
    b'{"rename": "x", "to": "../y", "source": "camera"}',
    b'{"forget": "x"}',
    b'{"places": {"lines": {"door": [0.1, 0.2, 0.3, 0.4]}, "zones": {"shelf": [0, 0, 1, 0, 1, 1]}}}',
    b'{"places": {"lines": {"door": [' + b"9" * 400 + b', 1e999, NaN, null]}, "zones": {}}, "classes": ["a"]}',
)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """A page with a service behind a token; it must answer health after every case."""
    picture = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 120, np.uint8))[1])
    control, access = Control(["camera"], Settings()), Access(token=TOKEN)
    with (
        RecognizeService(open_model("digits")) as service,
        LivePreview(control, port=0, access=access, service=service, say=str, collect=folder) as page,
    ):
        seen = service.recognize(picture, "camera", None, 0.0).seen
        page.write(Result(Frame(np.full((48, 64, 3), 90, np.uint8), 1, source="camera"), seen))

        def attempt(chance: random.Random) -> str:
            said = _talk(page.port, _request(chance, picture))
            assert _talk(page.port, HEALTH).startswith("HTTP/1.1 200"), "health does not answer any more"
            status = said.partition("\r\n")[0].split(" ")[1:2]
            assert status in ([], ["200"]) or "300" <= status[0] < "500" or status == ["503"], said[:200]
            return "" if "303" in status else said

        yield attempt


HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def _request(chance: random.Random, picture: bytes) -> bytes:
    if chance.random() < 0.5:
        path, body = chance.choice(GETS), b""
        lines = [f"GET {path} HTTP/1.1", *chance.sample(HEADS, chance.randint(0, len(HEADS)))]
    else:
        path = chance.choice(POSTS)
        body = chance.choice((*BODIES, picture, _multipart(picture)))
        body = mutated(chance, body) if chance.random() < 0.7 else body
        kind = chance.choice(("application/json", "image/jpeg", "multipart/form-data; boundary=xx"))
        said = len(body) if chance.random() < 0.9 else chance.choice((0, len(body) - 1, 10**12, -1, 10**400))
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {said}"]
        lines += [f"Authorization: Bearer {TOKEN}"] * (chance.random() < 0.8)
    head = "\r\n".join(lines).encode() + b"\r\n"
    return (mutated(chance, head, most=3) if chance.random() < 0.6 else head) + b"\r\n" + body


def _multipart(picture: bytes) -> bytes:
    part = b'--xx\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + picture + b"\r\n"
    return part * 2 + b"--xx--\r\n"


def _talk(port: int, data: bytes) -> str:
    """What is answered to these bytes and an end of sending."""
    with socket.create_connection(("127.0.0.1", port), timeout=4) as line, contextlib.suppress(ConnectionError):
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return line.recv(1 << 16).decode("latin-1")
    return ""


FUZZER = Fuzzer(opened, secrets=(TOKEN,))
