"""How any source's pictures can be turned."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["TurnOptions"]


@dataclass(frozen=True)
class TurnOptions:
    """Mirrored first, then turned clockwise by degrees."""

    flip: str | None = option(Said("Mirror the pictures.", choices=("horizontal", "vertical", "both")))
    rotate: int = option(
        Said("Turn them clockwise.", choices=("0", "90", "180", "270"), read=lambda value, _: int(value)), default=0
    )
