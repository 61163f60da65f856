"""Results as JSON, one object a line."""

from __future__ import annotations

import json

from ..result import Result
from .protocol import Notice
from .streams import AppendedText

__all__ = ["JsonLines"]

_ENCODER = json.JSONEncoder(allow_nan=False)  # made once, not for every line


class JsonLines:
    """Each result as a line of JSON to a file that is appended to, or to stdout for `-`."""

    name = "json"

    def __init__(self, path: str) -> None:
        self._text = AppendedText(path)

    def write(self, result: Result) -> None:
        """Write one line, and flush it."""
        self._text.append(_ENCODER.encode(result.to_json()) + "\n")

    def notice(self, notice: Notice) -> None:
        """The lines hold results only."""

    def __enter__(self) -> JsonLines:
        self._text.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._text.__exit__()
