"""What the keeper of uncertain pictures can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...said import Said, option

__all__ = ["UncertainOptions"]


@dataclass(frozen=True)
class UncertainOptions:
    """What counts as uncertain, and how much of it is kept."""

    folder: Path | None = option(  # noqa: RUF009 (a field)
        Said(
            "Keep frames the network is unsure of, for `train`.",
            "DIR",
            flag="--keep-uncertain",
            read=lambda value, _: Path(value),
        )
    )
    blur: bool = option(Said("Blur what lies outside the recognized area in them."), default=False)
    near: float = 0.1  # scores up to so far above the threshold count
    lead: float = 0.1  # so does a best class that leads the second by less
    every_s: float = 5.0  # a source gives one picture in this time
    quota_bytes: int = 500_000_000
    quota_age_s: float = 90 * 86400.0
    keep_free_bytes: int = 200 * 1024 * 1024
