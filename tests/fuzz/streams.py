"""What a camera sends, cut and changed: HTTP and MJPEG over a socket, RTSP and RTP as the relay takes them."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

from edgelens.runtime.errors import EdgelensError, ImageError
from edgelens.runtime.images.read import decode_image
from edgelens.runtime.sources.credentials import Address
from edgelens.runtime.sources.interleaved import InterleavedSplitter
from edgelens.runtime.sources.jpeg_stream import JpegSplitter
from edgelens.runtime.sources.mjpeg import MjpegStream
from edgelens.runtime.sources.picture_ends import PictureEnds
from edgelens.runtime.sources.rtsp_dialogue import RtspDialogue

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]

SECRET = "hushhush"
OWN = "rtsp://127.0.0.1:5000/own"
HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 900\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/mixed\r\n\r\n1f4\r\n",
    b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a", nonce="b", qop="auth"\r\nContent-Length: 0\r\n\r\n',
    b"HTTP/1.1 302 Found\r\nLocation: http://localhost:1/x\r\nContent-Length: 0\r\n\r\n",
)
SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=control:track1\r\nm=audio 0 RTP/AVP 0\r\n"


class _Camera:
    """Gives each caller the next answer."""

    def __init__(self) -> None:
        self.answer = b""
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            with contextlib.suppress(ConnectionError, TimeoutError):
                try:
                    line, _ = self.door.accept()
                except OSError:
                    return
                with line:
                    line.settimeout(1)
                    line.recv(1 << 16)
                    line.sendall(self.answer)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """One camera that says what each case has it say."""
    picture = bytes(cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))[1])
    camera = _Camera()
    kinds: tuple[Callable[[random.Random], str], ...] = (
        lambda chance: _over_http(chance, camera, picture),
        lambda chance: _split(chance, picture),
        lambda chance: _split(chance, picture),
        _over_rtsp,
        _over_rtsp,
    )
    try:
        with mock.patch("edgelens.runtime.sources.mjpeg.NO_PICTURE_S", 0.5):
            yield lambda chance: chance.choice(kinds)(chance)
    finally:
        camera.door.shutdown(socket.SHUT_RDWR)
        camera.door.close()


def _over_http(chance: random.Random, camera: _Camera, picture: bytes) -> str:
    camera.answer = mutated(chance, chance.choice(HEADS), most=3) + _multipart(chance, picture)
    try:
        with MjpegStream(f"http://joe:{SECRET}@127.0.0.1:{camera.port}/live?pwd={SECRET}") as stream:
            for _ in range(3):
                if stream.read() is None:
                    break
    except EdgelensError as error:
        assert str(error).isprintable(), error
        return str(error)
    return ""


def _split(chance: random.Random, picture: bytes) -> str:
    splitter, now = JpegSplitter(), 0.0
    for chunk in _chunks(chance, _multipart(chance, picture)):
        now += chance.choice((0.0, 0.001, 2.0))
        for found in splitter.feed(chunk, now):
            with contextlib.suppress(ImageError):
                decode_image(found.data, "a picture")
    return ""


def _multipart(chance: random.Random, picture: bytes) -> bytes:
    part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture)
    return mutated(chance, part * chance.randint(1, 4)) if chance.random() < 0.9 else part * 3


def _over_rtsp(chance: random.Random) -> str:
    """What the relay does with what it gets; it ends a connection on which no RTSP is spoken (ValueError)."""
    dialogue, ends = RtspDialogue(Address("rtsp://cam/live", "joe", SECRET), OWN), PictureEnds()
    said, heard = InterleavedSplitter(), InterleavedSplitter()
    on = []
    with contextlib.suppress(ValueError):
        for chunk in _chunks(chance, mutated(chance, _requests(chance), most=3)):
            for piece in said.feed(chunk):
                if piece[0] != ord("$"):
                    dialogue.request(bytes(piece))
        for chunk in _chunks(chance, mutated(chance, _answers(chance))):
            for piece in heard.feed(chunk):
                if piece[0] == ord("$"):
                    ends.marked(piece, 1.0)
                    continue
                forth, _ = dialogue.answer(bytes(piece))
                on.append(forth.decode("latin-1"))
                if dialogue.description is not None:
                    ends.learn(dialogue.description)
                    dialogue.description = None
    return "\n".join([*on, dialogue.unfit, ends.unfit])


def _requests(chance: random.Random) -> bytes:
    methods = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER"][: chance.randint(1, 5)]
    return b"".join(
        f"{method} {OWN}/live RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode() for number, method in enumerate(methods, 1)
    )


def _answers(chance: random.Random) -> bytes:
    codec = chance.choice(("H264", "H265"))
    body = SDP.format(codec=codec)
    kinds = ('Digest realm="r", nonce="n"', 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"', "Basic")
    answers = [
        "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
        f"RTSP/1.0 401 No\r\nCSeq: 2\r\nWWW-Authenticate: {chance.choice(kinds)}\r\n\r\n",
        f"RTSP/1.0 200 OK\r\nCSeq: {chance.choice((2, 3))}\r\nContent-Length: {len(body)}\r\n\r\n{body}",
        "RTSP/1.0 302 Moved\r\nCSeq: 3\r\nLocation: rtsp://other/x\r\n\r\n",
        "RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n",
    ]
    if chance.random() < 0.7:
        del answers[3]
    packets = [_packet(chance, codec, number) for number in range(chance.randint(0, 40))]
    return "".join(answers).encode() + b"".join(packets)


def _packet(chance: random.Random, codec: str, number: int) -> bytes:
    kinds = (1, 5, 24, 28, 0, 31) if codec == "H264" else (2, 38, 96, 98, 0, 126)
    payload = bytes((chance.choice(kinds), chance.randrange(256))) + chance.randbytes(chance.choice((0, 3, 40)))
    first, marker = chance.choice((0x80, 0x80, 0x90, 0x8F, 0xA0)), chance.choice((96, 96 | 0x80))
    rtp = struct.pack(">BBHII", first, marker, number, chance.choice((number * 3000, 2**32 - 1, 0)), 7) + payload
    return struct.pack(">BBH", 0x24, chance.choice((0, 0, 1)), len(rtp)) + rtp


def _chunks(chance: random.Random, data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        step = chance.choice((1, 7, 100, 1000, 100_000))
        yield data[at : at + step]
        at += step


FUZZER = Fuzzer(opened, secrets=(SECRET,))
