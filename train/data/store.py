"""The cache of decoded pictures: one file of equal rows for each geometry, found by the content they came from.

A row is written before the index names it, and the index is replaced as a whole: a build that is killed goes on where
it was, and an image that changed is simply another content.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import ImageError, WorkError
from edgelens.runtime.host.files import replacing
from edgelens.runtime.images.decoder_noise import caught_noise, tells_of_damage
from edgelens.runtime.images.read import decode_with_holes, image_size, read_image, read_image_bytes
from edgelens.runtime.preprocess import PixelContract, fit_frame

from .digests import DIGEST_BYTES
from .facts import FACTS, facts_of
from .workers import Workers

__all__ = ["Store", "fill"]

_LAYOUT = 5  # raised whenever the same content would give other rows
_FIRST_CHUNK, _CHUNK = 32, 512  # pictures at once; as many as take about
_CHUNK_S = 1.0
_INDEX_EVERY_S = 10.0


class Store:
    """Pictures of one geometry on disk. `exact` ones are made from the fully decoded image, as a camera's frame is;
    the others may come from a JPEG decoded at a fraction of its size, which is only for augmentation."""

    def __init__(self, cache: Path, pixels: PixelContract, *, exact: bool) -> None:
        self.pixels, self.exact = pixels, exact
        self.shape = (pixels.height, pixels.width, pixels.channels)
        self.row_bytes = int(np.prod(self.shape))
        key = json.dumps([_LAYOUT, exact, asdict(pixels)], sort_keys=True)
        self.folder = cache / f"pictures-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        self.rows: dict[bytes, int] = {}
        self.facts: NDArray[np.void] = np.empty(0, FACTS)

    @property
    def file(self) -> Path:
        """Where the rows are."""
        return self.folder / "rows.bin"

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """The file of rows, open to write for this process alone; others wait."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.folder.is_symlink():
                raise OSError(errno.ELOOP, "a link is there: remove it")
            with os.fdopen(_opened(self.folder / "lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.load()
                handle = _opened(self.file)
                try:
                    yield handle
                finally:
                    os.close(handle)
        except OSError as error:
            raise WorkError(f"{self.folder}: the picture cache cannot be written ({error.strerror or error})") from None

    def load(self) -> None:
        """Read the index; a damaged one counts as empty."""
        try:
            with (self.folder / "index.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as index:
                digests, facts = index["digests"].tobytes(), index["facts"]
            if facts.dtype != FACTS or facts.ndim != 1:
                raise ValueError
            whole = self.file.stat().st_size // self.row_bytes
        except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
            digests, facts, whole = b"", np.empty(0, FACTS), 0
        count = min(len(digests) // DIGEST_BYTES, len(facts), whole)
        self.rows = {digests[i * DIGEST_BYTES : (i + 1) * DIGEST_BYTES]: i for i in range(count)}
        self.facts = facts[:count]

    def add(self, digests: Sequence[bytes], facts: NDArray[np.void]) -> None:
        """Name the next rows, which have been written."""
        for digest in digests:
            self.rows[digest] = len(self.rows)
        self.facts = np.concatenate([self.facts, facts])

    def save(self, handle: int) -> None:
        """Put the rows on disk, then the index that names them."""
        os.fdatasync(handle)
        with replacing(self.folder / "index.npz") as stream:
            digests = np.frombuffer(b"".join(self.rows), np.uint8).reshape(-1, DIGEST_BYTES)
            np.savez(stream, digests=digests, facts=self.facts)


def _opened(path: Path) -> int:
    """A file of the cache; a link in its place, which another user of a shared cache may have put there, is refused."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def fill(
    store: Store,
    images: ImageSet,
    rows: Sequence[int],
    digests: Sequence[bytes],
    *,
    threads: int,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> dict[int, str]:
    """Decode what the store does not hold yet, on all cores; why not, for each row that cannot be decoded."""
    store.load()
    if all(digests[i] in store.rows for i in rows):
        return {}
    errors: dict[int, str] = {}
    cv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the pool below uses the cores
    try:
        with store.opened() as handle, Workers(threads) as workers:
            wanted = list({digests[i]: i for i in reversed(rows) if digests[i] not in store.rows}.values())[::-1]
            saved = time.monotonic()
            try:
                start, size = 0, _FIRST_CHUNK
                while start < len(wanted):
                    begun, chunk = time.monotonic(), wanted[start : start + size]
                    errors |= _decode_chunk(store, handle, workers, images, chunk, digests)
                    start += len(chunk)
                    progress(start, len(wanted))
                    size = min(max(int(len(chunk) * _CHUNK_S / max(time.monotonic() - begun, 1e-6)), 8), _CHUNK)
                    if time.monotonic() - saved > _INDEX_EVERY_S:
                        store.save(handle)
                        saved = time.monotonic()
            finally:
                store.save(handle)
    finally:
        cv2.setNumThreads(cv_threads)
    alike = ((first, i) for first in errors for i in rows if digests[i] == digests[first])
    return {i: errors[first].replace(images.names[first], images.names[i]) for first, i in alike}


def _decode_chunk(
    store: Store, handle: int, workers: Workers, images: ImageSet, rows: Sequence[int], digests: Sequence[bytes]
) -> dict[int, str]:
    """Decode some rows into the next places of the file."""
    first = len(store.rows)
    facts = np.zeros(len(rows), FACTS)
    errors: dict[int, str] = {}

    def decode(at: int) -> None:
        try:
            image, facts[at] = _picture(images, rows[at], store)
            if os.pwrite(handle, image.data, (first + at) * store.row_bytes) < store.row_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except ImageError as error:
            errors[rows[at]] = str(error)

    with caught_noise() as noise:
        workers.each(decode, range(len(rows)))
    if tells_of_damage(noise):
        errors |= _damaged(images, [i for i in rows if i not in errors])
    good = [at for at, i in enumerate(rows) if i not in errors]
    for to, at in enumerate(good):
        if to != at:  # close the gaps that failures left
            os.pwrite(
                handle,
                os.pread(handle, store.row_bytes, (first + at) * store.row_bytes),
                (first + to) * store.row_bytes,
            )
    store.add([digests[rows[at]] for at in good], facts[good])
    return errors


def _picture(images: ImageSet, i: int, store: Store) -> tuple[NDArray[np.uint8], NDArray[np.void]]:
    """An image in the network's size and colour, and what the data check wants to know of it."""
    if images.stored is None:
        where = str(images.file(i))
        room = None if store.exact else (store.pixels.height, store.pixels.width)
        data = read_image_bytes(where)
        image, missing = decode_with_holes(data, where, at_least=room)
        size = image_size(data, where) if room else image.shape[:2]
    else:
        image = images.image(i)
        size, missing = image.shape[:2], 0.0 if images.masks is None else float(images.masks[i].mean())
    return np.ascontiguousarray(fit_frame(image, store.pixels)[0]), facts_of(image, size, missing)


def _damaged(images: ImageSet, rows: Sequence[int]) -> dict[int, str]:
    """Which of some images a decoder complains about when it reads them one by one."""
    errors: dict[int, str] = {}
    for i in rows:
        try:
            read_image(images.file(i))
        except ImageError as error:
            errors[i] = str(error)
    return errors
