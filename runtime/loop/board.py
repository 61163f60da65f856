"""What the loop and the page want to know of the board; `devices/probes` knows how, the command line hands it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["BoardProbe", "BoardReading"]


@dataclass(frozen=True)
class BoardReading:
    """One look at the board; None where it has no such sensor."""

    temperature_c: float | None = None
    clock_mhz: float | None = None
    throttled: bool | None = None
    power_w: float | None = None
    memory_free_mb: float | None = None


class BoardProbe(Protocol):
    """Reads the board; cheap enough to be asked once a second."""

    def read(self) -> BoardReading:
        """The board as it is now."""
