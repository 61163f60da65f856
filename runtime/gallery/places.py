"""Where a device keeps what it was taught: one file a network's features, in the state folder."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from ..host.places import state_folder

__all__ = ["galleries_folder", "galleries_folders", "gallery_path"]

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_NAME = 40  # characters of a feature space's name that tell it from all others
SERVICE = Path("/var/lib/edgelens")  # where the service keeps its state


def galleries_folder() -> Path:
    """The folder of all galleries: the service's where it runs as this user, so that all who recognize know the same.

    Who is given a state folder of his own takes that one.
    """
    given = os.environ.get("STATE_DIRECTORY") or os.environ.get("XDG_STATE_HOME")
    return (state_folder() if given or not _is_ours(SERVICE) else SERVICE) / "galleries"


def galleries_folders() -> tuple[Path, ...]:
    """Where galleries of this user lie, those of before there was a service too."""
    return tuple(dict.fromkeys((galleries_folder(), state_folder() / "galleries")))


def _is_ours(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def gallery_path(feature_space: str) -> Path:
    """One feature space's gallery; what a bundle may call its space that is no plain word is no part of a path."""
    plain = _PLAIN.fullmatch(feature_space) is not None
    name = feature_space if plain else hashlib.sha256(feature_space.encode()).hexdigest()
    return galleries_folder() / f"{name[:_NAME]}.gallery"
