"""What the text can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["TextOptions"]


@dataclass(frozen=True)
class TextOptions:
    """Whether there is any."""

    quiet: bool = option(Said("No text, no table."), default=False)
