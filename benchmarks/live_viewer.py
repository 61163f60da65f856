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
    line.sendall(f"GET /live/frames{sys.argv[2]} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
    while line.recv(1 << 20):
        pass
"""


@contextlib.contextmanager
def viewer(port: int, asked: str = "") -> Iterator[None]:
    """It looks as long as this is entered; its CPU is its own. `asked` is the address's query."""
    process = subprocess.Popen([sys.executable, "-c", DRAIN, str(port), asked])
    try:
        yield
    finally:
        process.kill()
        process.wait()
