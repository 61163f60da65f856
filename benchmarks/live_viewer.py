"""Somebody who looks at a live page: a process that takes every frame and does nothing with it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

__all__ = ["DRAIN", "viewer"]

DRAIN = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
    line.sendall(b"GET /live/frames HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    while line.recv(1 << 20):
        pass
"""


@contextlib.contextmanager
def viewer(port: int) -> Iterator[None]:
    """It looks as long as this is entered; its CPU is its own."""
    process = subprocess.Popen([sys.executable, "-c", DRAIN, str(port)])
    try:
        yield
    finally:
        process.kill()
        process.wait()
