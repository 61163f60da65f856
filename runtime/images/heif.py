"""HEIC and AVIF, which share one container: what the file says of itself, and HEIC's pixels by an optional package."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from .headers import ImageHeader

__all__ = ["decode_heic", "heif_header"]

_AVIF = frozenset([b"avif", b"avis"])
_HEIC = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"])
_OPACITY = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_PIXEL_BYTES = 6.0  # a decoder holds the planes beside the colours
# EXIF's orientation of (turns by 90° against the clock, what is mirrored after them: 0 up and down, 1 left and right)
_ORIENTATIONS: dict[tuple[int, int | None], int] = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
    (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
}  # fmt: skip


def heif_header(data: bytes) -> ImageHeader | None:
    """The header of an HEIC or AVIF picture; None for a video."""
    (size,) = struct.unpack_from(">I", data, 0)
    brands = {data[at : at + 4] for at in (8, *range(16, min(size, 256), 4))}
    kind = "avif" if brands & _AVIF else "heic" if brands & _HEIC else ""
    if not kind:
        return None
    boxes = dict(_boxes(data, 0, len(data)))
    complete = all(end <= len(data) for _, end in boxes.values()) and b"meta" in boxes
    start, end = boxes.get(b"meta", (0, 0))
    inner = dict(_boxes(data, start + 4, end))
    properties = dict(_boxes(data, *inner.get(b"iprp", (0, 0))))
    width = height = turns = 0
    mirrored: int | None = None
    alpha = ""
    for name, (at, stop) in _boxes(data, *properties.get(b"ipco", (0, 0))):
        if name == b"ispe":  # tiles and thumbnails have their own: the largest is the picture
            w, h = struct.unpack_from(">II", data, at + 4)
            width, height = (w, h) if w * h > width * height else (width, height)
        elif name == b"irot":
            turns = data[at] & 3
        elif name == b"imir":
            mirrored = data[at] & 1
        elif name == b"auxC" and data[at + 4 : stop].partition(b"\0")[0] in _OPACITY:
            alpha = "straight"
    if not width or not height:
        return None
    orientation = _ORIENTATIONS[turns, mirrored]
    return ImageHeader(kind, width, height, _PIXEL_BYTES, alpha, orientation=orientation, complete=complete)


def decode_heic(data: bytes, where: str) -> NDArray[np.uint8]:
    """An HEIC picture (H, W, 3) BGR or (H, W, 4) BGRA, upright: its decoder turns it."""
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            f"{where}: is an HEIC photo, which pillow-heif reads: pip install 'edgelens[photos]', or convert it to JPEG"
        ) from None
    try:
        picture = np.asarray(pillow_heif.open_heif(data, convert_hdr_to_8bit=True))
    except (ValueError, OSError, EOFError, RuntimeError, SyntaxError, IndexError) as error:
        raise ImageError(f"{where}: its heic data is damaged and cannot be decoded ({str(error)[:100]})") from None
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    order = [2, 1, 0] if picture.shape[2] == 3 else [2, 1, 0, 3]
    return np.ascontiguousarray(picture[..., order], np.uint8)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Name, and begin and end of what is in it, of every box; an end past the data's tells that some is missing."""
    at = start
    while at + 8 <= min(end, len(data)):
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        size = size or end - at  # the last one may go on to the end
        if size < head:
            return
        yield name, (at + head, at + size)
        at += size
