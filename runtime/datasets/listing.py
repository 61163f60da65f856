"""A data set's own files, read as far as they are files: a pipe, a device or another alphabet is one line."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..images.read import SUFFIXES

__all__ = ["ENDINGS", "is_regular", "read_bytes", "read_text", "walked"]

ENDINGS = (*sorted(SUFFIXES), *(ending.upper() for ending in sorted(SUFFIXES)))  # of pictures, as files have them


def is_regular(path: Path) -> bool:
    """Whether this is a file that ends: what is no such thing may keep its reader waiting for ever."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def walked(root: str | Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """What `os.walk` gives, links to folders followed as far as none leads back to a folder that it lies in."""
    beyond = frozenset(map(str, Path(os.path.realpath(root)).parents))
    above: dict[str, frozenset[str]] = {}
    for where, folders, files in os.walk(root, followlinks=True):
        own, ways = os.path.realpath(where), above.get(where, beyond)
        if own in ways:
            folders[:] = []
            continue
        yield where, folders, files
        above.update({os.path.join(where, name): ways | {own} for name in folders})  # noqa: PTH118 (a million)


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
