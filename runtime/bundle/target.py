"""Where a bundle is to be written: looked at before the work, so that nothing else is replaced by it."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..host.files import check_kind, check_place

__all__ = ["check_target"]

_ZIP = b"PK\x03\x04"


def check_target(out: str | Path) -> None:
    """Refuse a place where no bundle can be written, or where there is a file that is none."""
    if Path(out).suffix != ".edge":
        raise UsageError(f"--out {out}: a bundle's name ends in .edge")
    check_place(out, "--out")
    check_kind(out, "--out", "bundle", _ZIP)
