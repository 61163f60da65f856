"""What every image's content is, as a digest: the cache's key, and how exact duplicates are found.

Reading every file again at each start would cost more than the training of a small network, so digests are kept with
each file's size, times and inode, and only files that changed are read.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import ImageError
from edgelens.runtime.host.files import replacing
from edgelens.runtime.images.read import read_image_bytes

from .workers import Workers

__all__ = ["DIGEST_BYTES", "content_digests"]

DIGEST_BYTES = 16
_CHUNK = 256
_INT64 = 2**63 - 1
Seen = dict[str, tuple[tuple[int, ...], bytes]]  # name → (size, times and inode; digest)


def content_digests(
    images: ImageSet, memory: Path, threads: int, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> tuple[list[bytes], dict[int, str]]:
    """Every image's digest, b"" for one that cannot be read, and why not by row; `memory` keeps what was read."""
    if images.stored is not None:
        rows = range(len(images)) if images.rows is None else images.rows.tolist()
        return [_digest(images.stored[row].tobytes()) for row in rows], {}
    seen = _recall(memory)
    stats = [_stat(images.file(i)) for i in range(len(images))]
    digests = [
        seen[name][1] if name in seen and seen[name][0] == stat else b""
        for name, stat in zip(images.names, stats, strict=True)
    ]
    errors: dict[int, str] = {}

    def read(i: int) -> None:
        try:
            digests[i] = _digest(read_image_bytes(images.file(i)))
        except ImageError as error:
            errors[i] = str(error)

    unread = [i for i, digest in enumerate(digests) if not digest]
    with Workers(threads) as workers:
        for start in range(0, len(unread), _CHUNK):
            workers.each(read, unread[start : start + _CHUNK])
            progress(min(start + _CHUNK, len(unread)), len(unread))
    if unread:
        _remember(memory, {n: (s, d) for n, s, d in zip(images.names, stats, digests, strict=True) if d})
    return digests, errors


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def _stat(path: Path) -> tuple[int, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116 (half the time of Path.stat, once for every image)
    except (OSError, ValueError):
        return ()
    # file systems that make up inodes (network shares, FUSE) use all 64 bits, which no int64 of the memory holds
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & _INT64


def _recall(memory: Path) -> Seen:
    try:
        with memory.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            names, stats, digests = kept["names"], kept["stats"], kept["digests"]
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
        return {}
    shaped = names.ndim == 1 and stats.shape == (len(names), 4) and stats.dtype == np.int64
    if not shaped or digests.dtype != np.uint8 or digests.shape != (len(names), DIGEST_BYTES):
        return {}
    return {n: (tuple(s), d.tobytes()) for n, s, d in zip(names.tolist(), stats.tolist(), digests, strict=True)}


def _remember(memory: Path, seen: Seen) -> None:
    digests = np.frombuffer(b"".join(digest for _, digest in seen.values()), np.uint8).reshape(-1, DIGEST_BYTES)
    with replacing(memory) as stream:
        np.savez(
            stream,
            names=np.array(list(seen)),
            stats=np.array([stat for stat, _ in seen.values()], np.int64).reshape(-1, 4),
            digests=digests,
        )
