"""Results as CSV, a row for each thing that was seen."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..result import Result
from .protocol import Notice
from .streams import AppendedText

__all__ = ["COLUMNS", "CsvRows"]

COLUMNS = (
    "device", "source", "frame", "time", "label", "id", "score", "x", "y", "w", "h", "announced", "path",
    "value", "text", "name", "track", "parent", "rivals", "position_s",
    "event", "place", "direction", "dwell_s",
)  # fmt: skip


# a spreadsheet takes a cell that begins so for a formula and runs it; a number may have a sign
_FORMULA = re.compile(r"[=@＝＋－＠\t\r]|[+-](?![\d., ]*$)")


class CsvRows:
    """Rows appended to a file, or to stdout for `-`; a frame in which nothing was seen gives a row without a label.

    What happened at a line or in a zone gives a row of its own.

    A file that has rows already keeps the columns that it was begun with. Texts that a spreadsheet would take for a
    formula have a ' before them.
    """

    name = "csv"

    def __init__(self, path: str) -> None:
        self._path = path
        self._columns: Sequence[str] = COLUMNS
        self._text = AppendedText(path, lambda: _line(self._columns))

    def write(self, result: Result) -> None:
        """Write a result's rows, and flush them."""
        said = result.to_json()
        frame = {**said, "announced": said["announced"] or ""}
        rows = []
        for row in said["results"] or [{}]:
            place = dict(zip("xywh", row.get("box", ()), strict=False))
            rows.append({**frame, **row, **place, "rivals": _listed(row.get("rivals", ()))})
        rows += [{**frame, **event, "event": event["kind"], "place": _place(event)} for event in said["events"]]
        self._text.append("".join(_line(self._cells(row)) for row in rows))

    def notice(self, notice: Notice) -> None:
        """The rows hold results only."""

    def __enter__(self) -> CsvRows:
        self._columns = self._columns_there() or COLUMNS
        self._text.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._text.__exit__()

    def _cells(self, row: Mapping[str, Any]) -> list[Any]:
        return [_harmless(row.get(column, "")) for column in self._columns]

    def _columns_there(self) -> list[str]:
        """The header of a file that is appended to; none where there is nothing yet."""
        if self._path == "-" or not Path(self._path).is_file():
            return []
        try:
            with Path(self._path).open(encoding="utf-8-sig", errors="replace", newline="") as stream:
                header = next(csv.reader(stream), [])
        except (OSError, csv.Error) as error:
            raise UsageError(f"--csv {self._path}: could not be read ({error})") from None
        if strange := [name for name in header if name not in COLUMNS]:
            raise UsageError(f"--csv {self._path}: is another table: it has a column {strange[0][:40]!r}")
        return header


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _place(event: Mapping[str, Any]) -> str:
    """The line or zone that an event is of."""
    return str(event.get("line") or event.get("zone") or "")


def _harmless(cell: Any) -> Any:
    """A cell of which no spreadsheet makes a formula."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _listed(rivals: Sequence[dict[str, Any]]) -> str:
    """`fork 0.15; spoon 0.03`, best first."""
    return "; ".join(f"{rival['label']} {rival['score']}" for rival in rivals)
