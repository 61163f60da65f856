"""Folders for files that other programs' converters insist on."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgelens.runtime.errors import WorkError

__all__ = ["scratch_folder"]

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.ENOENT)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that is gone afterwards; a full or missing temporary place is said in one line."""
    try:
        with tempfile.TemporaryDirectory(prefix="edgelens-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise WorkError(
            f"the temporary folder could not be written ({error.strerror or error}); TMPDIR names another place"
        ) from error
