"""Results as CSV, a row for each thing that was seen."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from ..errors import UsageError
from ..result import Result
from .protocol import Notice
from .streams import close_stream, open_stream

__all__ = ["COLUMNS", "CsvRows"]

COLUMNS = (
    "device", "source", "frame", "time", "label", "id", "score", "x", "y", "w", "h", "announced", "path",
    "value", "text", "name", "track", "parent", "rivals", "position_s",
)  # fmt: skip


class CsvRows:
    """Rows appended to a file, or to stdout for `-`; a frame in which nothing was seen gives a row without a label.

    A file that has rows already keeps the columns that it was begun with.
    """

    name = "csv"

    def __init__(self, path: str) -> None:
        self._path = path
        self._stream: IO[str] | None = None
        self._writer: Any = None

    def write(self, result: Result) -> None:
        """Write a result's rows, and flush them."""
        assert self._stream is not None
        said = result.to_json()
        frame = {**said, "announced": said["announced"] or ""}
        for row in said["results"] or [{}]:
            place = dict(zip("xywh", row.get("box", ()), strict=False))
            self._writer.writerow({**frame, **row, **place, "rivals": _listed(row.get("rivals", ()))})
        self._stream.flush()

    def notice(self, notice: Notice) -> None:
        """The rows hold results only."""

    def __enter__(self) -> CsvRows:
        begun = self._columns_there()
        self._stream = open_stream(self._path)
        self._writer = csv.DictWriter(self._stream, begun or COLUMNS, extrasaction="ignore", lineterminator="\n")
        if not begun:
            self._writer.writeheader()
            self._stream.flush()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._stream is not None:
            close_stream(self._stream)

    def _columns_there(self) -> list[str]:
        """The header of a file that is appended to; none where there is nothing yet."""
        if self._path == "-" or not Path(self._path).is_file():
            return []
        try:
            with Path(self._path).open(encoding="utf-8", errors="replace", newline="") as stream:
                header = next(csv.reader(stream), [])
        except OSError as error:
            raise UsageError(f"--csv {self._path}: could not be read ({error.strerror or error})") from None
        if strange := [name for name in header if name not in COLUMNS]:
            raise UsageError(f"--csv {self._path}: is another table: it has a column {strange[0][:40]!r}")
        return header


def _listed(rivals: Sequence[dict[str, Any]]) -> str:
    """`fork 0.15; spoon 0.03`, best first."""
    return "; ".join(f"{rival['label']} {rival['score']}" for rival in rivals)
