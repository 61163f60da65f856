"""What every verb prints with: plain tables, JSON where asked, and lines beside the result."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from edgelens.runtime.host.files import replacing

__all__ = ["JSON_BEGINS", "amount", "aside", "counted", "print_table", "write_json"]

JSON_BEGINS = b'{\n "'  # by which a file is known that the next result may replace


def aside(line: str) -> None:
    """A line for who waits, on stderr: what goes to stdout is the result alone."""
    click.echo(line, err=True)


def write_json(path: str, value: Any) -> None:
    """One JSON object to a file, or to stdout for `-`."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    if path == "-":
        click.echo(text)
        sys.stdout.flush()
        return
    with replacing(path, "w", named=True) as stream:
        stream.write(text + "\n")


def amount(count: int, thing: str) -> str:
    """`1 picture`, `1,200 pictures`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def counted(done: int, total: int) -> None:
    """How many pictures were looked at: one line on a terminal's stderr, rewritten; nothing elsewhere."""
    if sys.stderr.isatty() and (done % 64 == 0 or done == total):
        click.echo(f"\r{done} of {total} images" + ("\r\x1b[K" if done == total else ""), nl=False, err=True)


def print_table(rows: Sequence[Sequence[object]], *, header: Sequence[str] = (), err: bool = False) -> None:
    """Columns as wide as their content, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in ([header] if header else []) + list(rows)]
    if not cells:
        return
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(max(map(len, cells)))]
    numeric = [
        all(_is_number(row[i]) for row in cells[bool(header) :] if i < len(row) and row[i]) for i in range(len(widths))
    ]
    for row in cells:
        line = "  ".join(
            cell.rjust(widths[i]) if numeric[i] else cell.ljust(widths[i]) for i, cell in enumerate(row)
        ).rstrip()
        click.echo(line, err=err)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).rstrip("%").isdigit()
