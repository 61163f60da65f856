"""Messages between the two halves of a connection."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any

GREETING = b"edgelens-agent 1\n"
CHUNK = 1 << 18


class RefusedError(Exception):
    """Something here does not allow the work; travels back as one line."""


class Wire:
    """Messages over stdin and stdout."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue(maxsize=16)
        self._lock = threading.Lock()
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # a stray print goes to stderr, not between the messages
        self._out.write(GREETING)  # whatever login scripts printed ends here
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """One message, with its bytes."""
        with self._lock:
            head = dict(message, size=len(payload)) if payload else message
            self._out.write(json.dumps(head).encode() + b"\n" + payload)
            self._out.flush()

    def _read(self) -> None:
        try:
            while True:
                line = sys.stdin.buffer.readline()
                if not line.endswith(b"\n"):
                    break
                message = json.loads(line.decode())
                size = message.get("size", 0)
                payload = sys.stdin.buffer.read(size) if size else b""
                if len(payload) != size:
                    break
                self.inbox.put((message, payload))
        finally:
            self.inbox.put(None)
