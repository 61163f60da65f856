"""Where a run without a page answers `edgelens status`: a socket that only its own user reaches."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..errors import WorkError
from ..host.owned import own_folder
from ..host.places import run_folder
from .running import Running, note_running

if TYPE_CHECKING:
    import socket

__all__ = ["StatusSocket", "ask_socket"]

AFTER_S = 1.0  # a run that is over sooner, and the first result of any, wait for none of this
PATIENCE_S = 3.0


class StatusSocket:
    """Sends one JSON object to whoever connects; a context manager. No place for it only costs `status` its answer."""

    def __init__(self, answer: Callable[[], dict[str, Any]], *, after_s: float = AFTER_S) -> None:
        self._answer, self._path = answer, run_folder() / f"{os.getpid()}.sock"
        self._timer = threading.Timer(after_s, self._work)
        self._timer.daemon = True
        self._stack, self._lock, self._over = ExitStack(), threading.Lock(), False

    def __enter__(self) -> StatusSocket:
        self._timer.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            self._stack.close()
        self._timer.join(PATIENCE_S)

    def _work(self) -> None:
        with contextlib.suppress(OSError, WorkError):
            listener = self._listen()
            while listener is not None:
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):  # who asked has gone
                    client.settimeout(PATIENCE_S)
                    client.sendall(json.dumps(self._answer()).encode())

    def _listen(self) -> socket.socket | None:
        import socket  # not before the first result

        with self._lock, ExitStack() as opened:
            if self._over:
                return None
            own_folder(self._path.parent)
            self._path.unlink(missing_ok=True)
            listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC))
            listener.bind(str(self._path))
            opened.callback(self._path.unlink, missing_ok=True)
            self._path.chmod(0o600)
            listener.listen(8)
            opened.callback(listener.shutdown, socket.SHUT_RDWR)  # ends the accept that waits
            opened.enter_context(note_running(Running(os.getpid(), socket=str(self._path))))
            self._stack = opened.pop_all()
            return listener


def ask_socket(path: str) -> dict[str, Any]:
    """What a run says of itself there."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(PATIENCE_S)
        asking.connect(path)
        said = bytearray()
        while len(said) < 1 << 22 and (more := asking.recv(1 << 16)):
            said += more
    answer: dict[str, Any] = json.loads(said)
    return answer
