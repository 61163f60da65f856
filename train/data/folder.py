"""Where the kit keeps what can be made again: decoded pictures and downloaded sets."""

from __future__ import annotations

import os
from pathlib import Path

from edgelens.runtime.errors import WorkError

__all__ = ["cache_folder"]


def cache_folder(said: str | None) -> Path:
    """The folder that was named, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(said) if said else Path(home).expanduser() / "edgelens"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"{folder}: the cache folder cannot be made ({error.strerror}); name another one") from None
    return folder
