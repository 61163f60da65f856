"""Names that are no UTF-8, as old disks have them: written with escapes, and never given to OpenCV, which crashes."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError

__all__ = ["escaped", "is_utf8", "opencv_path"]


def escaped(text: str) -> str:
    r"""The text with an escape for each byte that is no UTF-8: `caf\udce9.avi`."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_utf8(path: str | Path) -> bool:
    """Whether OpenCV can be given this path."""
    return escaped(str(path)) == str(path)


def opencv_path(path: str | Path) -> str:
    """The path as OpenCV takes it; UsageError where it would end the process."""
    if not is_utf8(path):
        raise UsageError(f"{escaped(str(path))}: OpenCV opens no file whose path is not UTF-8; rename it")
    return str(path)
