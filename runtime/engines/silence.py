"""Keeping native code quiet while it loads, without losing what others print meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..host.caught_stderr import caught_stderr

__all__ = ["silenced"]

_CHATTER = (b"INFO:", b"WARNING:", b"I0000", b"W0000", b"\x1b[0;93m")


@contextmanager
def silenced() -> Iterator[None]:
    """Catch what is written to file descriptor 2, and pass on every line that is not an engine's chatter.

    Neither engine's Python package can be told to be silent while it loads: LiteRT announces its delegate, onnxruntime
    what it found of a GPU.
    """
    with caught_stderr(lambda line: line.startswith(_CHATTER) or b"onnxruntime" in line):
        yield
