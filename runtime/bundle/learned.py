"""Which pictures a network learned, as far as its bundle says: an evaluation on them flatters it, which is to be said.

Kept are the least of their contents' digests, 8 kB at most; of other pictures' digests that are no greater, as large a
share is among them as of all those pictures was learned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from ..errors import BundleError

__all__ = ["LEARNED", "learned_share", "learned_to_bytes"]

LEARNED = "ext/learned.bin"
_MOST = 2000
_DIGEST = np.dtype("<u4")


def learned_to_bytes(contents: Iterable[bytes]) -> bytes:
    """As a bundle keeps it: sorted digests of 4 bytes."""
    return np.unique(_digests(contents))[:_MOST].tobytes()


def learned_share(data: bytes, contents: Iterable[bytes], where: str) -> float:
    """The share of these pictures, by their content, that a bundle's entry says were learned; exact up to 2,000."""
    if len(data) % _DIGEST.itemsize or len(data) > _MOST * _DIGEST.itemsize:
        raise BundleError(f"{where}: {LEARNED} is damaged: it holds {len(data):,} bytes")
    learned, asked = np.frombuffer(data, _DIGEST), _digests(contents)
    told = asked if len(learned) < _MOST else asked[asked <= learned.max()]
    return float(np.isin(told, learned).mean()) if len(told) else 0.0


def _digests(contents: Iterable[bytes]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    each = (hashlib.blake2b(content, digest_size=_DIGEST.itemsize).digest() for content in contents)
    return np.frombuffer(b"".join(each), _DIGEST)
