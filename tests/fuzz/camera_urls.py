"""Addresses of cameras as people write them, and as nobody should: opened, with nobody there to answer."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.loop.config import SourcePlan
from edgelens.runtime.sources.catalog import kind_of, open_source
from edgelens.runtime.sources.credentials import parse_address
from edgelens.runtime.sources.mjpeg import MjpegStream
from edgelens.runtime.sources.rtsp import RtspStream

from .fuzzer import Attempt, Fuzzer

__all__ = ["FUZZER"]

SECRET = "Tr0ub4dor"
SCHEMES = ("rtsp://", "http://", "https://", "rtsps://", "RTSP://", "ftp://", "rtsp:/", "rtsp:", "", "://", "file://")
USERS = ("joe", "", "joe hill", "admin%40home", "ж", "${CAM_USER}", "${NOT_THERE}", "jo+e", "a" * 300)
AROUND = ("", "/", "?", "#", "@", ":", "%", " ", "&", "=", "\\", "ß", "%41", "\t", "\n", "\x1b[2J", "\x00", "12/",
          "554/", "8080?", "'", '"', "$", "{", "}", "[", "]", ";", "|", "\u202e", "\ud800")  # fmt: skip
HOSTS = (
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::1",
    "::1",
    "a b",
    "",
    "cam\x00era",
    "x" * 300,
    "..",
    "ж.рф",
    "127.0.0.1.",
    "%zz",
)
PORTS = ("", ":1", ":65535", ":65536", ":x", ":", ":-1", ":1 ", ":０")
PATHS = ("", "/", "/live", "/a@b", "/ж ж", "/\x1b]0;x\x07", "//x", "/%", "/" + "a" * 3000, "/[", "/../..", "\\x")
TAILS = ("", "?x=1", "#y", "?", "?channel=1&subtype=0", "?\r\nX: y", "?" + "&" * 50)
NAMES = ("password", "pwd", "pass", "loginpas", "PASSWORD", "token", "api_key", "auth")


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """Names are not looked up: only this machine is there, and nothing listens."""
    real = socket.getaddrinfo

    def looked_up(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in ("127.0.0.1", "localhost", "::1"):
            real(host, *rest, **more, flags=socket.AI_NUMERICHOST)
        return real("127.0.0.1", 1, *rest[1:], **more)

    with (
        mock.patch.object(socket, "getaddrinfo", looked_up),
        mock.patch.object(ssl, "_create_default_https_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
        mock.patch.dict("os.environ", CAM_USER="joe"),
    ):
        yield attempt


def attempt(chance: random.Random) -> str:
    """All that is shown of an address: the plan's name, the source's, and what goes wrong."""
    spec = _address(chance)
    said = []
    try:
        said.append(repr(parse_address(spec)) if "://" in spec else "")
    except EdgelensError as error:
        said.append(str(error))
    try:
        kind_of(spec)
        source = open_source(spec)
        said += [source.name, SourcePlan(source=spec).name]
        if isinstance(source, MjpegStream) or (isinstance(source, RtspStream) and spec.lower().startswith("rtsp://")):
            with source:
                pass
    except EdgelensError as error:
        said.append(str(error))
    for line in said:
        assert len(line) < 1000, len(line)
        assert line.isprintable(), ascii(line)
    named = f"${{{SECRET}}}" in spec  # then it is a variable's name, which an error has to say
    return "\n".join(said) if not named else ""


def _address(chance: random.Random) -> str:
    """The secret stands where a secret stands: as a login's password, in a query, or in a DVR's path."""
    scheme, host, port = chance.choice(SCHEMES[: chance.choice((2, 4, 11))]), chance.choice(HOSTS), chance.choice(PORTS)
    path, tail = chance.choice(PATHS), chance.choice(TAILS)
    word = _surrounded(chance, SECRET)
    where = chance.randrange(4)
    if where == 0:
        return f"{scheme}{chance.choice(USERS)}:{word}@{host}{port}{path}{tail}"
    name, value = chance.choice(NAMES), word.replace("&", "").replace(";", "")
    if where == 1:
        return f"{scheme}{host}{port}{path}?user=joe&{name}={value}{chance.choice(('', '&channel=1', ';x=y'))}"
    if where == 2:
        return f"{scheme}{host}{port}/user=joe_{name}={value}_channel=1_stream=0.sdp?real_stream"
    return f"{scheme}{chance.choice(USERS)}{host}{port}{path}{tail}"


def _surrounded(chance: random.Random, word: str) -> str:
    before = "".join(chance.choices(AROUND, k=chance.choice((0, 0, 1, 2))))
    return before + word + "".join(chance.choices(AROUND, k=chance.choice((0, 0, 1, 2))))


FUZZER = Fuzzer(opened, secrets=(SECRET,))
