"""Reading the small files that the kernel shows a board through; the root can be another tree, as in tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["read_number", "read_text", "under"]


def read_text(root: Path, path: str) -> str | None:
    """A file's text without the ends' blanks and zero bytes, None where it is missing or not to be read."""
    try:
        return (root / path).read_bytes().decode("utf-8", "replace").strip(" \t\r\n\0")
    except OSError:  # missing, not permitted, or a sensor that answers with an error
        return None


def read_number(root: Path, path: str, base: int = 10) -> int | None:
    """A file that holds one whole number."""
    text = read_text(root, path)
    with contextlib.suppress(ValueError):
        return int(text, base) if text else None
    return None


def under(root: Path, pattern: str) -> Iterator[str]:
    """The paths relative to the root that fit a glob pattern, in order."""
    try:
        yield from (str(path.relative_to(root)) for path in sorted(root.glob(pattern)))
    except OSError:
        return
