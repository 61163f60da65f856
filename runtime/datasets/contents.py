"""What lies in a folder of photos as people have them: pictures, videos, what systems leave behind, and the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ..images.read import SUFFIXES
from .listing import walked

__all__ = ["VIDEOS", "Listing", "is_left_behind", "listed"]

VIDEOS = frozenset([".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp"])
_LEFT_BEHIND = frozenset(["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "picasa.ini"])
_LEFT_FOLDERS = frozenset(["__macosx", "@eadir", "$recycle.bin", "system volume information"])


@dataclass
class Listing:
    """Paths by what they are; a listing grows while a data set's folders are walked."""

    images: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)  # by operating systems and photo programs
    others: list[str] = field(default_factory=list)


def is_left_behind(name: str) -> bool:
    """Whether a file or folder of this name is some system's and never a person's."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND or name.lower() in _LEFT_FOLDERS


def listed(folder: str) -> Listing:
    """Everything below a folder, in the alphabet's order."""
    listing = Listing()
    for where, folders, files in walked(folder):
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
