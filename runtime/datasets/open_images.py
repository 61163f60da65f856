"""What OpenImages calls its classes, which its tables of boxes have as codes like `/m/01g317`."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from .listing import is_regular, read_text

__all__ = ["names_of_codes"]

_CODED = ("/m/", "/g/", "/t/")
_LISTS = ("class-descriptions*.csv", "*/class-descriptions*.csv")


def names_of_codes(root: Path, labels: Iterable[str]) -> dict[str, str]:
    """The names of those labels that are codes, from the list of classes that lies with the tables."""
    coded = {label for label in labels if label.startswith(_CODED)}
    files = [file for pattern in _LISTS for file in sorted(root.glob(pattern)) if is_regular(file)] if coded else []
    rows = (row for file in files for row in csv.reader(read_text(file).splitlines()))
    return {row[0]: row[1].strip() for row in rows if len(row) == 2 and row[0] in coded and row[1].strip()}
