"""Image files of any kind as upright uint8 BGR.

What is damaged, truncated or would take too much memory is refused in one line: half a picture is not a picture.
Pixels that are fully transparent are missing data and become the neutral gray 128; others are laid over it.
"""

from __future__ import annotations

import stat
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from .decoder_noise import caught_noise, tells_of_damage
from .depth import to_bgr
from .headers import ImageHeader, read_header
from .jpeg_segments import without_junk

__all__ = [
    "MAX_DECODED_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "decode_image",
    "decode_with_holes",
    "image_size",
    "read_image",
    "read_image_bytes",
    "upright",
]

SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".bmp",
        ".dib",
        ".webp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".j2k",
        ".ico",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
    ]
)
MAX_PIXELS = 100_000_000
MAX_DECODED_BYTES = 640_000_000  # a decoder's own buffers and the picture it ends in
MAX_FILE_BYTES = 256 * 1024 * 1024

_COLOR = int(cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
# the turn of every EXIF orientation: transposed first?, then cv2.flip's code (None: not at all)
_TURNS: dict[int, tuple[bool, int | None]] = {
    1: (False, None),
    2: (False, 1),
    3: (False, -1),
    4: (False, 0),
    5: (True, None),
    6: (True, 1),
    7: (True, -1),
    8: (True, 0),
}


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """A file's first picture, (H, W, 3) uint8 BGR, turned as its EXIF says; damage that only shows as noise counts."""
    data = read_image_bytes(path)
    with caught_noise() as noise:
        image = decode_image(data, str(path))
    if tells_of_damage(noise):
        raise ImageError(f"{path}: its image data is damaged ({noise[0].decode(errors='replace').strip()})")
    return image


def read_image_bytes(path: str | Path) -> bytes:
    """An image file's bytes; anything but a regular file of a sane size is refused."""
    target = Path(path)
    try:
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{path}: is no regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise ImageError(f"{path}: has {status.st_size >> 20} MiB, images of up to {MAX_FILE_BYTES >> 20} are read")
        return target.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise ImageError(f"{path}: could not be read ({getattr(error, 'strerror', None) or error})") from None


def decode_image(data: bytes, where: str, *, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """An encoded picture, (H, W, 3) uint8 BGR, turned as its EXIF says.

    `at_least` (height, width) lets a JPEG be decoded at ½, ¼ or ⅛ of its size as long as it stays so large.
    """
    return decode_with_holes(data, where, at_least=at_least)[0]


def decode_with_holes(
    data: bytes, where: str, *, at_least: tuple[int, int] | None = None
) -> tuple[NDArray[np.uint8], float]:
    """A picture as `decode_image` makes it, and the share of its pixels that were missing and have been filled."""
    header = checked_header(data, where)
    if header.kind == "heic":
        from .heif import decode_heic

        return to_bgr(decode_heic(data, where), header.alpha)
    if header.kind == "ico" and not header.apart:
        from .ico import largest

        return decode_with_holes(largest(data), where, at_least=at_least)
    if header.kind == "png":
        data = _checked_png(data, where)
    flag = _COLOR
    if header.kind == "jpeg":
        data = without_junk(data)
        flag = _jpeg_flag(header, at_least)
    elif header.alpha or header.deep or header.white:
        flag = cv2.IMREAD_UNCHANGED
    try:
        raw = _apart(data, header) if header.apart else cv2.imdecode(np.frombuffer(data, np.uint8), flag)
        if raw is None:
            raise ImageError(f"{where}: {_not_decoded(header.kind)}")
        if header.apart or flag == cv2.IMREAD_UNCHANGED:
            image, share = to_bgr(np.asarray(raw), header.alpha, header.white)
        else:
            image, share = np.asarray(raw, np.uint8), 0.0
        return (image if header.turned else upright(image, header.orientation)), share
    except (cv2.error, MemoryError, ValueError, struct.error) as error:
        said = (str(error).splitlines() or ["it takes too much memory"])[0][:120]
        raise ImageError(f"{where}: could not be decoded ({said})") from None


def _apart(data: bytes, header: ImageHeader) -> NDArray[Any] | None:
    """The samples of what OpenCV does not read."""
    if header.kind == "ico":
        from .ico import largest, pixels_of

        return pixels_of(largest(data))
    from .tiff_planes import samples_of

    return samples_of(data)


def _not_decoded(kind: str) -> str:
    if kind == "avif" and not cv2.haveImageWriter(".avif"):
        return "is an AVIF picture, which this OpenCV does not read: take opencv-python-headless 4.11 or later"
    return f"its {kind} data is damaged and cannot be decoded"


def image_size(data: bytes, where: str) -> tuple[int, int]:
    """The upright height and width that an encoded picture's header says."""
    header = checked_header(data, where)
    turned = header.orientation >= 5
    return (header.width, header.height) if turned else (header.height, header.width)


def checked_header(data: bytes, where: str) -> ImageHeader:
    """The header of an image that may be decoded: known, whole, and within the limits."""
    if not data:
        raise ImageError(f"{where}: is empty")
    header = _heif(data) if data[4:8] == b"ftyp" else read_header(data)
    if header is None:
        raise ImageError(f"{where}: {_unknown(data)}")
    pixels = header.width * header.height
    held = pixels * (header.pixel_bytes + 3 + 3 * (header.orientation > 1))
    if pixels <= 0:
        raise ImageError(f"{where}: its header says {header.width} × {header.height} pixels")
    if pixels > MAX_PIXELS or held > MAX_DECODED_BYTES:
        raise ImageError(
            f"{where}: {header.width} × {header.height} pixels would take {held / 1e6:,.0f} MB to decode;"
            f" up to {MAX_PIXELS // 10**6} megapixels and {MAX_DECODED_BYTES // 10**6} MB are accepted"
        )
    if not header.complete:
        raise ImageError(f"{where}: is truncated: its {header.kind} data has no end")
    return header


def _heif(data: bytes) -> ImageHeader | None:
    from .heif import heif_header  # phones' photos, which a camera's loop never sees

    try:
        return heif_header(data)
    except (struct.error, IndexError):
        return None


def _unknown(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "is a video, not a picture"
    if data[:2] == b"\xff\xd8" or data[:4] in (b"\x89PNG", b"GIF8") or data[8:12] == b"WEBP":
        return "is a damaged or truncated image: its header ends too early"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\1\0"):
        return "is a damaged image: its header ends too early, or says its size twice"
    return "is no image of a known format"


def _checked_png(data: bytes, where: str) -> bytes:
    """The file without an animation's chunks, of which OpenCV may show the wrong frame; every checksum is checked,
    since libpng passes over wrong ones, or prints and gives up half-way."""
    at, view, kept = 8, memoryview(data), [data[:8]]
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        if end > len(data):
            raise ImageError(f"{where}: is truncated inside its {kind.decode('latin-1')} chunk")
        if kind[:1].isupper() and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ImageError(
                f"{where}: its png data is damaged: its {kind.decode('latin-1')} chunk has a wrong checksum"
            )
        if kind not in (b"acTL", b"fcTL", b"fdAT"):
            kept.append(data[at:end])
        if kind == b"IEND":
            break
        at = end
    return b"".join(kept)


def _jpeg_flag(header: ImageHeader, at_least: tuple[int, int] | None) -> int:
    """Whole, or the smallest of its ½, ¼ and ⅛ that is still large enough."""
    if at_least is None:
        return _COLOR
    upright = (header.height, header.width) if header.orientation < 5 else (header.width, header.height)
    room = min(upright[0] // at_least[0], upright[1] // at_least[1])
    reduced = next((flag for part, flag in _REDUCED.items() if room >= part), cv2.IMREAD_COLOR)
    return int(reduced | cv2.IMREAD_IGNORE_ORIENTATION)


def upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turned as its EXIF says; done here, since OpenCV's versions differ in the formats whose EXIF they read."""
    transposed, flip = _TURNS[orientation]
    turned = cv2.transpose(image) if transposed else image
    return np.asarray(turned if flip is None else cv2.flip(turned, flip), np.uint8)
