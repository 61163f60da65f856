"""What the recorder can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...said import Said, option

__all__ = ["RecordOptions"]

_CARRIED = ("data", "burnt", "both", "none")  # how a clip carries what was seen in it


@dataclass(frozen=True)
class RecordOptions:
    """What is kept, and how much of it."""

    folder: Path | None = option(  # noqa: RUF009 (a field)
        Said("Keep clips around announced labels.", "DIR", flag="--record", read=lambda value, _: Path(value)),
    )
    most_mb: float = option(Said("How much they may take in all.", "MB", above=0, flag="--record-mb"), default=1000.0)
    most_days: float = option(Said("How long they are kept.", "DAYS", above=0, flag="--record-days"), default=30.0)
    boxes: bool = option(Said("Draw what was seen into them: burnt.", flag="--record-boxes"), default=False)
    boxes_as: str | None = option(
        Said(
            "How clips carry what was seen; data, beside them, unless said.", choices=_CARRIED, flag="--record-boxes-as"
        )
    )
    before_s: float = 5.0
    after_s: float = 5.0
    longest_s: float = 20.0  # an event that goes on is cut into clips of this length
    fps: float = 10.0
    max_side: int = 640
    keep_free_bytes: int = 200 * 1024 * 1024
    line_file_bytes: int = 4_000_000

    @property
    def drawn(self) -> bool:
        """Whether what was seen is drawn into the pictures."""
        return self._carried in ("burnt", "both")

    @property
    def beside(self) -> bool:
        """Whether what was seen lies as data beside a clip."""
        return self._carried in ("data", "both")

    @property
    def _carried(self) -> str:
        return self.boxes_as or ("burnt" if self.boxes else "data")
