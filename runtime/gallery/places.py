"""Where a device keeps what it was taught: one file a network's features, in the state folder."""

from __future__ import annotations

from pathlib import Path

from ..host.places import state_folder

__all__ = ["galleries_folder", "gallery_path"]

_NAME = 40  # characters of a feature space's name that tell it from all others


def galleries_folder() -> Path:
    """The folder of all galleries."""
    return state_folder() / "galleries"


def gallery_path(feature_space: str) -> Path:
    """One feature space's gallery."""
    return galleries_folder() / f"{feature_space[:_NAME]}.gallery"
