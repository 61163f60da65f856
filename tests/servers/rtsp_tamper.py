"""A proxy before an RTSP camera that changes what the camera says, piece by piece."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

from edgelens.runtime.sources.interleaved import InterleavedSplitter


class Tamper:
    """Listens at `url`; `change` gets each message and packet of the camera at `url_behind` and returns what goes on.

    The first `turned_away` connections are closed without a word.
    """

    def __init__(self, url_behind, change=bytes, *, turned_away=0):
        parts = urlsplit(url_behind)
        self._behind, self._change, self.turned_away = (parts.hostname, parts.port), change, turned_away
        self._server = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.url = f"rtsp://127.0.0.1:{self._server.getsockname()[1]}{parts.path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                program, _ = self._server.accept()
                self.connections += 1
                if self.connections <= self.turned_away:
                    program.close()
                    continue
                camera = socket.create_connection(self._behind)
                self._carry(program, camera, lambda piece: piece)
                self._carry(camera, program, self._change)

    def _carry(self, there, here, change):
        def work():
            pieces = InterleavedSplitter()
            with contextlib.suppress(OSError), there:
                while data := there.recv(65536):
                    here.sendall(b"".join(change(bytes(piece)) for piece in pieces.feed(data)))
            with contextlib.suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=work, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
