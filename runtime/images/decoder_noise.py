"""What libjpeg, libpng and OpenCV print about a damaged image: caught, since it is the only sign of some damage.

What others wrote meanwhile is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..host.caught_stderr import caught_stderr

__all__ = ["caught_noise", "tells_of_damage"]

_NOISE = re.compile(
    rb"^(\[ ?(WARN|ERROR|INFO|DEBUG):\d+@.*|libpng (error|warning):.*|Corrupt JPEG data:.*|Premature end of JPEG file"
    rb"|Invalid SOS parameters.*|Unsupported marker.*|Inconsistent progression.*|Warning: unknown JFIF.*"
    rb"|Invalid JPEG.*|Application transferred.*|Unknown Adobe color.*|TIFF\w*:.*|JPEG datastream contains no image)\n"
)
_DAMAGE = re.compile(
    rb"Premature end of JPEG|bad Huffman|found marker|(\d{2,}) extraneous bytes|Inconsistent progression|libpng error"
)


@contextmanager
def caught_noise() -> Iterator[list[bytes]]:
    """Catch what image decoders print in the block; the list holds it afterwards. One block at a time."""
    with caught_stderr(lambda line: _NOISE.fullmatch(line) is not None) as noise:
        yield noise


def tells_of_damage(noise: list[bytes]) -> bool:
    """Whether what a decoder printed means that pixels are wrong, not merely that a header is unusual."""
    return any(_DAMAGE.search(line) for line in noise)
