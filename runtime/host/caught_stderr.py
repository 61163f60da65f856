"""File descriptor 2 pointed elsewhere while native code runs that cannot be told to be silent."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO

__all__ = ["caught_stderr"]

# One for the whole process: of two blocks that overlap, each would give back what the other had put there.
_lock = threading.RLock()


@contextlib.contextmanager
def caught_stderr(is_noise: Callable[[bytes], bool]) -> Iterator[list[bytes]]:
    """Catch what is written in the block: its noise is in the list afterwards, every other line is passed on."""
    noise: list[bytes] = []
    with _lock, contextlib.ExitStack() as stack:
        try:
            true_stderr = os.dup(2)
        except OSError:  # no stderr at all, as in a service
            yield noise
            return
        stack.callback(os.close, true_stderr)
        caught = stack.enter_context(_scratch())
        _flush()
        os.dup2(caught.fileno(), 2)
        try:
            yield noise
        finally:
            _flush()
            os.dup2(true_stderr, 2)
            caught.seek(0)
            for line in caught.read().splitlines(keepends=True):
                if is_noise(line):
                    noise.append(line)
                else:
                    os.write(2, line)


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()


def _scratch() -> IO[bytes]:
    """A file in memory where the system has them: this runs for every image."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b", buffering=0)
    import tempfile  # pulls compressors and random numbers in; Linux never comes here

    return tempfile.TemporaryFile(buffering=0)
