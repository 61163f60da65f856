"""Where a device keeps what it was taught: one file a network's features, in the state folder."""

from __future__ import annotations

from pathlib import Path

from ..host.places import state_folder

__all__ = ["gallery_path", "galleries_folder"]

SUFFIX = ".gallery"


def galleries_folder() -> Path:
    """The folder of all galleries."""
    return state_folder() / "galleries"


def gallery_path(feature_space: str) -> Path:
    """One feature space's gallery."""
    return galleries_folder() / f"{feature_space[:40]}{SUFFIX}"
