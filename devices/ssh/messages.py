"""A device's messages, read within bounds: a line of JSON, and the bytes that it announces."""

from __future__ import annotations

import json
from typing import IO, Any

__all__ = ["BrokenOffError", "NonsenseError", "find_greeting", "read_message"]

LONGEST_LINE, MOST_BYTES = 1 << 20, 1 << 22  # the agent's own parts are of a quarter of a megabyte
MOST_BEFORE = 1 << 20  # what login scripts may print


class BrokenOffError(Exception):
    """The stream ended where a message was due."""


class NonsenseError(Exception):
    """What came is no message of an agent."""


def find_greeting(stream: IO[bytes], greeting: bytes) -> None:
    """Pass over what login scripts print, which may end without a new line."""
    seen = 0
    while seen <= MOST_BEFORE:
        line = stream.readline(MOST_BEFORE)
        if line.endswith(greeting):
            return
        if not line:
            raise BrokenOffError
        seen += len(line)
    raise NonsenseError


def read_message(stream: IO[bytes]) -> dict[str, Any]:
    """The next message, its bytes under `payload`."""
    line = stream.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise NonsenseError if len(line) == LONGEST_LINE else BrokenOffError
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise NonsenseError from None
    if not isinstance(message, dict):
        raise NonsenseError
    size = message.pop("size", 0)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MOST_BYTES:
        raise NonsenseError
    message["payload"] = stream.read(size) if size else b""
    if len(message["payload"]) != size:
        raise BrokenOffError
    return message
