"""Text streams that sinks append to: a file, a pipe, or stdout for `-`."""

from __future__ import annotations

import sys
from typing import IO

from ..errors import UsageError

__all__ = ["close_stream", "open_stream"]


def open_stream(path: str) -> IO[str]:
    """The stream to append to; `-` is stdout."""
    if path == "-":
        return sys.stdout
    try:
        return open(path, "a", encoding="utf-8", errors="backslashreplace", newline="\n")  # noqa: PTH123
    except OSError as error:
        raise UsageError(f"{path}: could not be opened to write ({error.strerror or error})") from None


def close_stream(stream: IO[str]) -> None:
    """Close what `open_stream` gave; stdout stays open."""
    if stream is not sys.stdout:
        stream.close()
