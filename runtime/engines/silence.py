"""Keeping native code quiet while it loads, without losing what others print meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

__all__ = ["silenced"]

_CHATTER = (b"INFO:", b"WARNING:", b"I0000", b"W0000", b"\x1b[0;93m")
_lock = threading.Lock()


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Catch what is written to file descriptor 2, and pass on every line that is not an engine's chatter.

    Neither engine's Python package can be told to be silent while it loads: LiteRT announces its delegate, onnxruntime
    what it found of a GPU.
    """
    with _lock, contextlib.ExitStack() as stack:
        try:
            sys.stderr.flush()
            saved = os.dup(2)
            stack.callback(os.close, saved)
            caught = os.memfd_create("stderr")
        except (OSError, ValueError, AttributeError):  # no stderr or no such call: then it is heard
            yield
            return
        stream = stack.enter_context(os.fdopen(caught, "r+b"))
        os.dup2(caught, 2)
        try:
            yield
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.flush()
            os.dup2(saved, 2)
            stream.seek(0)
            for line in stream:
                if not line.startswith(_CHATTER) and b"onnxruntime" not in line:
                    os.write(2, line)
