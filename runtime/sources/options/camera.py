"""What a camera can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import UsageError
from ...said import Said, joined, option

__all__ = ["CameraOptions"]

MOST = 16384  # pixels a side


def _size(value: str | Sequence[int], written: str) -> tuple[int, int]:
    """Width and height from `WxH`, or from two numbers."""
    sides = joined(value, "x").lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and 0 < int(side) <= MOST for side in sides):
        raise UsageError(f"{written} {value}: write WIDTHxHEIGHT, such as 1280x720")
    return int(sides[0]), int(sides[1])


@dataclass(frozen=True)
class CameraOptions:
    """What is asked of a camera; it may answer with the nearest mode it has."""

    size: tuple[int, int] | None = option(  # width and height
        Said("What a camera is asked for.", "WxH", read=_size)
    )
    camera_fps: float | None = option(Said("What a camera is asked for.", "FPS", above=0))
