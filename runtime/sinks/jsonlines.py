"""Results as JSON, one object a line."""

from __future__ import annotations

import json
from typing import IO

from ..result import Result
from .protocol import Notice
from .streams import close_stream, open_stream

__all__ = ["JsonLines"]

_ENCODER = json.JSONEncoder(allow_nan=False)  # made once, not for every line


class JsonLines:
    """Each result as a line of JSON to a file that is appended to, or to stdout for `-`."""

    name = "json"

    def __init__(self, path: str) -> None:
        self._path = path
        self._stream: IO[str] | None = None

    def write(self, result: Result) -> None:
        """Write one line, and flush it."""
        assert self._stream is not None
        self._stream.write(_ENCODER.encode(result.to_json()) + "\n")
        self._stream.flush()

    def notice(self, notice: Notice) -> None:
        """The lines hold results only."""

    def __enter__(self) -> JsonLines:
        self._stream = open_stream(self._path)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._stream is not None:
            close_stream(self._stream)
