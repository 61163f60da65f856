"""What tracking can be told. Nothing heavy is imported: the command line is made from these fields."""

from __future__ import annotations

from dataclasses import dataclass

from ..said import Said, option

__all__ = ["TrackOptions"]


@dataclass(frozen=True)
class TrackOptions:
    """Whether things are followed, and for how long one that is not seen stays the same thing."""

    track: bool = option(Said("Follow each thing from frame to frame: results carry its number."), default=False)
    track_keep: float = option(
        Said("A thing that is hidden for so long is still the same one.", "S", above=0, high=60), default=2.0
    )
