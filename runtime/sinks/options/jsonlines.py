"""What the JSON lines can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["JsonOptions"]


@dataclass(frozen=True)
class JsonOptions:
    """Where the lines go."""

    path: str | None = option(
        Said(
            "One JSON object a result; - is stdout.",
            "PATH",
            flag="--json",
            stdout=True,
            brought_back=True,
            appended=True,
        ),
    )
