"""A relay on loopback between FFmpeg and an RTSP camera, so that FFmpeg gives each picture when it has come.

FFmpeg speaks RTSP over TCP to this relay, which speaks the same to the camera: it says where pictures end, notes when
they arrived, and logs in. Everything else goes on as it came.
"""

from __future__ import annotations

import contextlib
import secrets
import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

from .arrival import ArrivalSocket
from .credentials import Address
from .interleaved import InterleavedSplitter
from .picture_ends import Arrivals, PictureEnds
from .rtsp_dialogue import RtspDialogue

__all__ = ["RtspRelay"]

PORT = 554
CHUNK = 65536
LEAVE_S = 0.5  # for FFmpeg's good-bye to reach the camera
PACKET = ord("$")


class RtspRelay:
    """One connection to a camera, for the program that knows its `url`, till either ends or the camera is silent."""

    url: str  # what the program is to open; this and the following are there when the relay is entered
    _camera: ArrivalSocket
    _door: socket.socket
    _dialogue: RtspDialogue

    def __init__(self, address: Address, patience_s: float, silence_s: float) -> None:
        self._address = address
        self._patience_s, self._silence_s = patience_s, silence_s  # for an answer; between packets of a stream
        self._ends = PictureEnds()
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._work, name="rtsp relay", daemon=True)

    @property
    def arrivals(self) -> Arrivals:
        """When the pictures came."""
        return self._ends.arrivals

    @property
    def answered(self) -> bool:
        """Whether the camera has said anything."""
        return self._dialogue.answered

    @property
    def refused(self) -> bool:
        """Whether the camera wants another log-in."""
        return self._dialogue.refused

    @property
    def unfit(self) -> str:
        """Why this camera must be watched without a relay; the connection has ended then."""
        return self._dialogue.unfit or self._ends.unfit

    def hang_up(self) -> None:
        """End both connections; what waits for them returns."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> RtspRelay:
        """Connect to the camera (OSError where that cannot be done) and wait for the program on loopback."""
        parts = urlsplit(self._address.url)
        with contextlib.ExitStack() as opened:
            self._door = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
            self._door.settimeout(self._patience_s)
            self._camera = ArrivalSocket(
                socket.create_connection((parts.hostname, parts.port or PORT), self._patience_s)
            )
            opened.pop_all()
        self._camera.settimeout(None)
        self._camera.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # another program on this machine must not get the camera's pictures without knowing this
        own = f"rtsp://127.0.0.1:{self._door.getsockname()[1]}/{secrets.token_hex(8)}"
        self.url = own + parts.path + (f"?{parts.query}" if parts.query else "")
        self._dialogue = RtspDialogue(self._address, own)
        self._sockets = [self._camera, self._door]
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """FFmpeg has closed its side, as a rule: what it said last still goes to the camera."""
        self._thread.join(LEAVE_S)
        self.hang_up()
        self._thread.join(LEAVE_S)

    def _work(self) -> None:
        with self._camera, contextlib.suppress(OSError, ValueError):  # closed by either side, or no RTSP
            with self._door:
                program, _ = self._door.accept()
            with program:
                program.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.append(program)
                self._pass_on(program)

    def _pass_on(self, program: socket.socket) -> None:
        """Carry bytes both ways till one side closes; who reads slowly holds up the other, as in a pipe."""
        said, heard = InterleavedSplitter(), InterleavedSplitter()
        buffer = memoryview(bytearray(CHUNK))
        with selectors.DefaultSelector() as ready:
            ready.register(self._camera, selectors.EVENT_READ, heard)
            ready.register(program, selectors.EVENT_READ, said)
            heard_at = time.monotonic()
            while not self.unfit and (left := heard_at + self._patience_s - time.monotonic()) > 0:
                for key, _ in ready.select(left):
                    if key.data is said:
                        count = program.recv_into(buffer)
                        self._camera.sendall(b"".join(map(self._to_camera, said.feed(bytes(buffer[:count])))))
                    else:
                        count = self._camera.recv_into(buffer)
                        program.sendall(b"".join(map(self._to_program, heard.feed(bytes(buffer[:count])))))
                        heard_at = time.monotonic()
                    if count == 0:
                        return

    def _to_camera(self, piece: memoryview) -> bytes | memoryview:
        return piece if piece[0] == PACKET else self._dialogue.request(bytes(piece))

    def _to_program(self, piece: memoryview) -> bytes | memoryview:
        if piece[0] == PACKET:
            self._patience_s = self._silence_s
            return self._ends.marked(piece, self._camera.arrived) or piece
        on, back = self._dialogue.answer(bytes(piece))
        if self._dialogue.description is not None:
            self._ends.learn(self._dialogue.description)
            self._dialogue.description = None
        if back:
            self._camera.sendall(back)
        return on
