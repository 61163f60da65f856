"""TIFFs that OpenCV reads wrongly or not at all: planes of more than 8 bits, and pixels that share a byte.

Each plane, or the bytes themselves, are given to it as a gray TIFF of their own: a new directory behind the same data,
so that whatever the compression is, OpenCV undoes it.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .tiff_tags import TiffTags, read_tags

__all__ = ["needs_planes", "samples_of"]

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, ROWS, COUNTS, PLANAR = (
    256, 257, 258, 259, 262, 273, 277, 278, 279, 284,
)  # fmt: skip
PREDICTOR, PALETTE, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_COUNTS, FORMAT = 317, 320, 322, 323, 324, 325, 339
_WHITE_IS_ZERO, _PALETTED = 0, 3
_BILEVEL = (2, 3, 4)  # fax compressions, which know single bits only
_MOST_PIECES = 1_000_000


def needs_planes(tags: TiffTags) -> bool:
    """Whether this is one of those TIFFs."""
    return _planes_apart(tags) or _bits_shared(tags)


def samples_of(data: bytes) -> NDArray[Any] | None:
    """(H, W) or (H, W, C) as OpenCV would give them, of whatever depth; None where that cannot be read either."""
    tags = read_tags(data, _MOST_PIECES)
    return _planes(data, tags) if _planes_apart(tags) else _unpacked(data, tags)


def _planes_apart(tags: TiffTags) -> bool:
    return tags.first(PLANAR, 1) == 2 and tags.first(SAMPLES, 1) > 1 and tags.first(BITS, 1) > 8


def _bits_shared(tags: TiffTags) -> bool:
    bits, paletted = tags.first(BITS, 1), tags.first(PHOTOMETRIC, 1) == _PALETTED
    shared = bits in (2, 4) or (bits == 1 and paletted)
    return shared and tags.first(SAMPLES, 1) == 1 and tags.first(COMPRESSION, 1) not in _BILEVEL


def _planes(data: bytes, tags: TiffTags) -> NDArray[Any] | None:
    samples, kind = tags.first(SAMPLES, 1), tags.first(PHOTOMETRIC, 1)
    used = samples if samples <= 4 else 3
    if kind not in (1, 2) or samples < 2:
        return None
    offsets = TILES if TILES in tags.values else STRIPS
    pieces = len(tags.values.get(offsets, ())) // samples
    planes = []
    for n in range(used):
        strips = range(n * pieces, (n + 1) * pieces)
        plane = _decoded(_as_gray(data, tags, tags.first(WIDTH, 0), tags.first(BITS, 16), strips))
        if plane is None:
            return None
        planes.append(plane)
    order = [2, 1, 0, 3] if used >= 3 else [0, 1]
    return np.dstack([planes[i] for i in order[:used]])


def _unpacked(data: bytes, tags: TiffTags) -> NDArray[Any] | None:
    bits, width, kind = tags.first(BITS, 1), tags.first(WIDTH, 0), tags.first(PHOTOMETRIC, 1)
    offsets = TILES if TILES in tags.values else STRIPS
    packed = _decoded(_as_gray(data, tags, -(-width * bits // 8), 8, range(len(tags.values.get(offsets, ())))))
    if packed is None:
        return None
    per, top = 8 // bits, (1 << bits) - 1
    values = np.empty((packed.shape[0], packed.shape[1] * per), np.uint8)
    for k in range(per):
        values[:, k::per] = packed >> (8 - bits * (k + 1)) & top
    values = values[:, :width]
    if kind != _PALETTED:
        gray = np.asarray(values * (255 // top), np.uint8)
        return 255 - gray if kind == _WHITE_IS_ZERO else gray
    table = np.array(tags.values.get(PALETTE, ()), np.int64)
    if len(table) != 3 * (top + 1):
        return None
    eight = table >> 8 if table.max() > 255 else table  # some writers fill 8 of its 16 bits
    return np.asarray(eight.reshape(3, -1)[::-1].T[values], np.uint8)


def _as_gray(data: bytes, tags: TiffTags, width: int, bits: int, pieces: range) -> bytes:
    """A TIFF of one sample a pixel: some of the strips or tiles, under a directory that is written behind the data."""
    known, whole = tags.values, bits == tags.first(BITS, 1)
    tiled = TILES in known
    offsets, counts = (TILES, TILE_COUNTS) if tiled else (STRIPS, COUNTS)
    new: dict[int, tuple[int, ...]] = {
        WIDTH: (width,), HEIGHT: (tags.first(HEIGHT, 0),), BITS: (bits,), PHOTOMETRIC: (1,), SAMPLES: (1,),
        PLANAR: (1,), COMPRESSION: (tags.first(COMPRESSION, 1),),
        offsets: known.get(offsets, ())[pieces.start : pieces.stop],
        counts: known.get(counts, ())[pieces.start : pieces.stop],
    }  # fmt: skip
    if tiled:
        across = tags.first(TILE_WIDTH, 0)
        new |= {TILE_WIDTH: (across if whole else -(-across * tags.first(BITS, 1) // 8),)}
        new |= {TILE_HEIGHT: (tags.first(TILE_HEIGHT, 0),)}
    else:
        new |= {ROWS: (min(tags.first(ROWS, 2**32 - 1), tags.first(HEIGHT, 0)),)}
    if whole:
        new |= {tag: (tags.first(tag, 1),) for tag in (PREDICTOR, FORMAT) if tag in known}
    out = bytearray(data + bytes(len(data) % 2))
    entries = b""
    for tag, values in sorted(new.items()):
        raw = struct.pack(f"{tags.order}{len(values)}I", *values)
        if len(values) > 1:
            place = len(out)
            out += raw
            raw = struct.pack(tags.order + "I", place)
        entries += struct.pack(tags.order + "HHI", tag, 4, len(values)) + raw.ljust(4, b"\0")
    start = len(out)
    out += struct.pack(tags.order + "H", len(new)) + entries + bytes(4)
    out[2:8] = struct.pack(tags.order + "HI", 42, start)
    return bytes(out)


def _decoded(data: bytes) -> NDArray[Any] | None:
    plane = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if plane is None or plane.ndim != 2 else np.asarray(plane)
