"""A data set's own files, read as far as they are files: a pipe, a device or another alphabet is one line."""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import DataError

__all__ = ["is_regular", "read_bytes", "read_text"]


def is_regular(path: Path) -> bool:
    """Whether this is a file that ends: what is no such thing may keep its reader waiting for ever."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def read_bytes(path: Path) -> bytes:
    """All of a file."""
    try:
        if path.exists() and not is_regular(path):
            raise DataError(f"{path}: is no regular file")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror or error})") from None


def read_text(path: Path) -> str:
    """All of a text file in UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no UTF-8 text (byte {error.start}); save it as UTF-8") from None
