"""Where an RTSP camera sends its viewers, asked before FFmpeg is: that follows anywhere, and takes the log-in along."""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from .credentials import Address
from .interleaved import InterleavedSplitter
from .rtsp_dialogue import RtspDialogue

__all__ = ["elsewhere"]

PORTS = {"rtsp": 554, "rtsps": 322}
HOPS = 5
_OWN = "rtsp://own"
_ROOM = 65536  # bytes of answers that are listened to


def elsewhere(address: Address, patience_s: float) -> str | None:
    """The address that viewers with a log-in would be sent on to, where it is another place; None where there is none.

    A camera that does not answer is left to FFmpeg, which says the same of it.
    """
    at = address
    for _ in range(HOPS):
        moved = _moved(at, patience_s)
        if moved is None:
            return None
        try:
            url = urljoin(at.url, moved)
            if _place(url) != _place(address.url):
                return url
        except ValueError:
            return moved
        at = replace(at, url=url)
    return at.url


def _moved(address: Address, patience_s: float) -> str | None:
    """Where a camera's answer to the first question sends its viewers; None where it says no such thing."""
    parts = urlsplit(address.url)
    target = _OWN + parts.path + (f"?{parts.query}" if parts.query else "")
    dialogue, pieces = RtspDialogue(address, _OWN), InterleavedSplitter()
    with contextlib.suppress(OSError, ValueError), _connected(address, patience_s) as line:
        line.sendall(dialogue.request(f"DESCRIBE {target} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode("latin-1", "replace")))
        heard = 0
        while heard < _ROOM and not dialogue.moved_to and (data := line.recv(4096)):
            heard += len(data)
            for piece in pieces.feed(data):
                on, back = dialogue.answer(bytes(piece))
                if back:
                    line.sendall(back)
                elif on or dialogue.unfit:
                    return dialogue.moved_to
    return dialogue.moved_to


def _connected(address: Address, patience_s: float) -> socket.socket:
    place, host, port = _place(address.url)
    line = socket.create_connection((host, port), patience_s)
    if place == "rtsp":
        return line
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # cameras sign their own, and FFmpeg takes them
    try:
        return context.wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise


def _place(url: str) -> tuple[str, str, int]:
    """Who gets what is sent to an address."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or PORTS.get(scheme, 0)
