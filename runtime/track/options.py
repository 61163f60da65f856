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
    track_looks: int = option(
        Said("A step of --every track looks at a thing so often; the looks vote.", "N", low=1, high=50, whole=True),
        default=5,
    )
    track_look_every: float = option(
        Said("Between two looks at the same thing there is so much time.", "S", low=0, high=60), default=0.2
    )
