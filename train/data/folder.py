"""Where the kit keeps what can be made again: decoded pictures and downloaded sets."""

from __future__ import annotations

from pathlib import Path

from edgelens.runtime.errors import WorkError
from edgelens.runtime.host.owned import own_folder
from edgelens.runtime.host.places import kept_folder

__all__ = ["cache_folder"]


def cache_folder(said: str | None) -> Path:
    """The folder that was named, which several may share, else the user's cache folder, which nobody else may write."""
    folder = Path(said) if said else kept_folder()
    try:
        if said:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            own_folder(folder)
    except OSError as error:
        raise WorkError(f"{folder}: the cache folder cannot be made ({error.strerror}); name another one") from None
    return folder
