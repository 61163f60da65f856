"""What the CSV rows can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["CsvOptions"]


@dataclass(frozen=True)
class CsvOptions:
    """Where the rows go."""

    path: str | None = option(
        Said(
            "One CSV row for all that was seen; - is stdout.",
            "PATH",
            flag="--csv",
            stdout=True,
            brought_back=True,
            appended=True,
        ),
    )
