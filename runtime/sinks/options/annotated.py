"""What annotated frames can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["SaveOptions"]


@dataclass(frozen=True)
class SaveOptions:
    """Where annotated frames go."""

    path: str | None = option(
        Said(
            "Annotated frames: a video file, one for each of several sources, or a folder.",
            "PATH",
            flag="--save",
            brought_back=True,
        )
    )
