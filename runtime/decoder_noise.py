"""What libjpeg, libpng and OpenCV print about a damaged image: caught, since it is the only sign of some damage.

They write to file descriptor 2. It points elsewhere while a block runs; what others wrote meanwhile is passed on.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

__all__ = ["caught_noise", "tells_of_damage"]

_NOISE = re.compile(
    rb"^(\[ ?(WARN|ERROR|INFO|DEBUG):\d+@.*|libpng (error|warning):.*|Corrupt JPEG data:.*|Premature end of JPEG file"
    rb"|Invalid SOS parameters.*|Unsupported marker.*|Inconsistent progression.*|Warning: unknown JFIF.*"
    rb"|Invalid JPEG.*|Application transferred.*|Unknown Adobe color.*|TIFF\w*:.*|JPEG datastream contains no image)\n",
    re.MULTILINE,
)
_DAMAGE = re.compile(
    rb"Premature end of JPEG|bad Huffman|found marker|(\d{2,}) extraneous bytes|Inconsistent progression|libpng error"
)
_lock = threading.Lock()


@contextlib.contextmanager
def caught_noise() -> Iterator[list[bytes]]:
    """Catch what image decoders print in the block; the list holds it afterwards. One block at a time."""
    noise: list[bytes] = []
    with _lock:
        try:
            true_stderr = os.dup(2)
        except OSError:  # no stderr at all, as in a service
            yield noise
            return
        try:
            with _scratch() as caught:
                os.dup2(caught.fileno(), 2)
                try:
                    yield noise
                finally:
                    os.dup2(true_stderr, 2)
                    caught.seek(0)
                    printed = caught.read()
        finally:
            os.close(true_stderr)
        noise.extend(match.group() for match in _NOISE.finditer(printed))
        if others := _NOISE.sub(b"", printed):
            os.write(2, others)


def _scratch() -> IO[bytes]:
    """A file in memory where the system has them: this runs for every image."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("decoder"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def tells_of_damage(noise: list[bytes]) -> bool:
    """Whether what a decoder printed means that pixels are wrong, not merely that a header is unusual."""
    return any(_DAMAGE.search(line) for line in noise)
