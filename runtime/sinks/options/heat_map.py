"""What the heat map can be told."""

from __future__ import annotations

from dataclasses import dataclass

from ...said import Said, option

__all__ = ["HeatMapOptions"]


@dataclass(frozen=True)
class HeatMapOptions:
    """Where the picture goes."""

    path: str | None = option(
        Said(
            "Write a picture of where things were, one for each of several sources.",
            "FILE.png",
            flag="--heat-map",
            brought_back=True,
        )
    )
