"""Results as CSV, one row for everything that was seen in a frame."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any

from ..result import Result
from .protocol import Notice
from .streams import close_stream, open_stream

__all__ = ["COLUMNS", "CsvRows"]

COLUMNS = ("device", "source", "frame", "time", "label", "id", "score", "x", "y", "w", "h", "announced", "path")


class CsvRows:
    """Rows appended to a file, or to stdout for `-`; a frame in which nothing was seen gives a row without a label."""

    name = "csv"

    def __init__(self, path: str) -> None:
        self._path = path
        self._stream: IO[str] | None = None
        self._writer: Any = None

    def write(self, result: Result) -> None:
        """Write a result's rows, and flush them."""
        assert self._stream is not None
        said = result.to_json()
        head = (said["device"], said["source"], said["frame"], said["time"])
        tail = (said["announced"] or "", result.frame.path or "")
        for row in said["results"] or [{}]:
            box = row.get("box", ("", "", "", ""))
            self._writer.writerow((*head, row.get("label", ""), row.get("id", ""), row.get("score", ""), *box, *tail))
        self._stream.flush()

    def notice(self, notice: Notice) -> None:
        """The rows hold results only."""

    def __enter__(self) -> CsvRows:
        begun = self._path != "-" and Path(self._path).is_file() and Path(self._path).stat().st_size > 0
        self._stream = open_stream(self._path)
        self._writer = csv.writer(self._stream, lineterminator="\n")
        if not begun:
            self._writer.writerow(COLUMNS)
            self._stream.flush()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._stream is not None:
            close_stream(self._stream)
