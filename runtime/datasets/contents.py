"""What lies in a folder of photos as people have them: pictures, videos, what systems leave behind, and the rest.

What a training wrote there is none of it: a folder that is a run is passed over whole.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..images.read import SUFFIXES
from .listing import walked

__all__ = ["VIDEOS", "Listing", "holds_pictures", "is_left_behind", "listed"]

VIDEOS = frozenset([".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp"])
_LEFT_BEHIND = frozenset(["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "picasa.ini"])
_LEFT_FOLDERS = frozenset(["__macosx", "@eadir", "$recycle.bin", "system volume information"])
_OF_A_RUN = frozenset(["run.json", "splits.npz"])


@dataclass
class Listing:
    """Paths by what they are; a listing grows while a data set's folders are walked."""

    images: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)  # by operating systems and photo programs
    others: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)  # folders, of which nothing else is listed


def is_left_behind(name: str) -> bool:
    """Whether a file or folder of this name is some system's and never a person's."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND or name.lower() in _LEFT_FOLDERS


def listed(folder: str) -> Listing:
    """Everything below a folder, in the alphabet's order."""
    listing = Listing()
    for where, folders, files in walked(folder):
        if _OF_A_RUN.issubset(files):
            listing.runs.append(where)
            folders[:] = []
            continue
        listing.left_behind += [os.path.join(where, name) for name in sorted(folders) if is_left_behind(name)]  # noqa: PTH118
        folders[:] = sorted(name for name in folders if not is_left_behind(name))
        for name in sorted(files):
            ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 (a million)
            kind = listing.others
            if is_left_behind(name):
                kind = listing.left_behind
            elif ending in SUFFIXES:
                kind = listing.images
            elif ending in VIDEOS:
                kind = listing.videos
            kind.append(os.path.join(where, name))  # noqa: PTH118
    return listing


def holds_pictures(folder: str) -> bool:
    """Whether a picture or a video lies anywhere below a folder."""
    for _, folders, files in walked(folder):
        if _OF_A_RUN.issubset(files):
            folders[:] = []
            continue
        folders[:] = [name for name in folders if not is_left_behind(name)]
        endings = (os.path.splitext(name)[1].lower() for name in files if not is_left_behind(name))  # noqa: PTH122
        if any(ending in SUFFIXES or ending in VIDEOS for ending in endings):
            return True
    return False
