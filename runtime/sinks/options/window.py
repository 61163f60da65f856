"""What the window can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["WindowOptions"]


@dataclass(frozen=True)
class WindowOptions:
    """Whether there is one."""

    shown: bool = option(Said("Show annotated frames on this machine's screen.", flag="--window"), default=False)
