"""Names that had to be changed to be a file's or a topic's stay apart by eight digits of what they were."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from .places import state_folder

__all__ = ["digits_of", "state_file"]

_LONGEST = 40


def digits_of(name: str) -> str:
    """Eight digits that another name does not have."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def state_file(kind: str, source: str) -> Path:
    """Where something of its kind is kept of a source, by the source's name."""
    plain = re.sub(r"[^\w-]+", "_", source).strip("_")[:_LONGEST] or "source"
    return state_folder() / kind / f"{plain}-{digits_of(source)}.json"
