"""A data set's own files, read as far as they are files: a pipe, a device or another alphabet is one line."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..images.read import SUFFIXES

__all__ = ["ENDINGS", "ends_of", "first_line", "is_regular", "read_bytes", "read_text", "starts_with", "walked"]

ENDINGS = (*sorted(SUFFIXES), *(ending.upper() for ending in sorted(SUFFIXES)))  # of pictures, as files have them
_FIRST_BYTES = 1 << 16
_HEAD = 4096


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
    """All of a text file in UTF-8, or in UTF-16 with the mark that says so."""
    data = read_bytes(path)
    try:
        return data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no UTF-8 text (byte {error.start}); save it as UTF-8") from None


def first_line(path: Path) -> str:
    """The beginning of a text's first line, whatever is no text in it replaced; nothing where it cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_FIRST_BYTES)
    except OSError:
        return ""
    return next(iter(head.decode(_encoding(head), "replace").splitlines()), "")


def ends_of(path: Path, last: int) -> tuple[bytes, bytes]:
    """The first bytes of a file and the last so many, of what may hold hundreds of megabytes; none where unreadable."""
    if not is_regular(path):
        return b"", b""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            stream.seek(max(path.stat().st_size - last, 0))
            return head, stream.read()
    except OSError:
        return b"", b""


def starts_with(data: bytes, mark: bytes) -> bool:
    """Whether a text's first character but blanks is this one; spreadsheets and shells may put a mark before it."""
    return data.removeprefix(codecs.BOM_UTF8).lstrip()[: len(mark)] == mark


def _encoding(data: bytes) -> str:
    return "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
