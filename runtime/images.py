"""Image files of any kind as upright uint8 BGR.

What is damaged, truncated or would take too much memory is refused in one line: half a picture is not a picture.
Pixels that are fully transparent are missing data and become the neutral gray 128; others keep their colour.
"""

from __future__ import annotations

import stat
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .decoder_noise import caught_noise, tells_of_damage
from .errors import ImageError
from .image_headers import ImageHeader, read_header

__all__ = [
    "MAX_DECODED_BYTES",
    "MAX_PIXELS",
    "SUFFIXES",
    "decode_image",
    "image_size",
    "read_image",
    "read_image_bytes",
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
    ]
)
MAX_PIXELS = 100_000_000
MAX_DECODED_BYTES = 800_000_000  # a decoder's own buffers and the picture it ends in
MAX_FILE_BYTES = 256 * 1024 * 1024
MISSING_GRAY = 128  # zero to a network of the kit, and as far from black as from white

# the turn of every EXIF orientation: (transpose, flip up-down, flip left-right)
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
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
    header = checked_header(data, where)
    if header.kind == "png":
        data = _checked_png(data, where)
    try:
        image = _decoded(data, header, at_least)
    except (cv2.error, MemoryError) as error:
        raise ImageError(f"{where}: could not be decoded ({str(error).splitlines()[0][:120]})") from None
    if image is None:
        raise ImageError(f"{where}: its {header.kind} data is damaged and cannot be decoded")
    return image


def image_size(data: bytes, where: str) -> tuple[int, int]:
    """The upright height and width that an encoded picture's header says."""
    header = checked_header(data, where)
    turned = header.orientation >= 5
    return (header.width, header.height) if turned else (header.height, header.width)


def checked_header(data: bytes, where: str) -> ImageHeader:
    """The header of an image that may be decoded: known, whole, and within the limits."""
    if not data:
        raise ImageError(f"{where}: is empty")
    header = read_header(data)
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


def _unknown(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "is an HEIC, AVIF or video file, which is not read here; convert it to JPEG or PNG"
    if data[:2] == b"\xff\xd8" or data[:4] in (b"\x89PNG", b"GIF8") or data[8:12] == b"WEBP":
        return "is a damaged or truncated image: its header ends too early"
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


def _decoded(data: bytes, header: ImageHeader, at_least: tuple[int, int] | None) -> NDArray[np.uint8] | None:
    buffer = np.frombuffer(data, np.uint8)
    if header.kind == "jpeg":
        image = cv2.imdecode(buffer, _jpeg_flag(header, at_least))
        return None if image is None else np.asarray(image, np.uint8)
    if header.alpha or header.deep:
        raw = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
        return None if raw is None else _turned(_bgr(np.asarray(raw), header), header.orientation)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, np.uint8)


def _jpeg_flag(header: ImageHeader, at_least: tuple[int, int] | None) -> int:
    if at_least is None:
        return cv2.IMREAD_COLOR
    upright = (header.height, header.width) if header.orientation < 5 else (header.width, header.height)
    room = min(upright[0] // at_least[0], upright[1] // at_least[1])
    if room >= 8:
        return cv2.IMREAD_REDUCED_COLOR_8
    if room >= 4:
        return cv2.IMREAD_REDUCED_COLOR_4
    return cv2.IMREAD_REDUCED_COLOR_2 if room >= 2 else cv2.IMREAD_COLOR


def _bgr(raw: NDArray[Any], header: ImageHeader) -> NDArray[np.uint8]:
    """Any depth and number of channels as uint8 BGR, missing pixels filled."""
    pixels = raw[..., None] if raw.ndim == 2 else raw
    if pixels.shape[2] == 4 and header.alpha == "premultiplied":
        opacity = pixels[..., 3:].astype(np.float32) / np.float32(_white(pixels.dtype))
        straight = np.minimum(pixels[..., :3] / np.maximum(opacity, 1e-6), _white(pixels.dtype))
        pixels = np.concatenate([straight.astype(pixels.dtype), pixels[..., 3:]], axis=2)
    shown = _bytes(pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1])
    bgr = np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else np.ascontiguousarray(shown)
    if pixels.shape[2] in (2, 4) and header.alpha:
        bgr[pixels[..., -1] == 0] = MISSING_GRAY
    return bgr


def _white(dtype: np.dtype[Any]) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """0 to 255 from any depth.

    Integers by their type's range, or by 12 or 10 bits where a sensor left the upper ones empty; floats by 1 or 255
    or, past that, by their own range.
    """
    if values.dtype == np.uint8:
        return values
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if values.dtype.kind != "f":
        white = _white(values.dtype)
        if values.shape[2] == 1:
            white = next((depth for depth in (1023.0, 4095.0) if 255 < high <= depth), white)
        scaled = values.astype(np.float32) * (255 / white)
    elif low < 0 or high > 255:
        scaled = (values - low) * (255 / max(high - low, 1e-12))
    else:
        scaled = values * (255.0 if high <= 1 else 1.0)
    return np.asarray(np.nan_to_num(scaled, nan=MISSING_GRAY).round().clip(0, 255), np.uint8)


def _turned(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    transpose, up_down, left_right = _TURNS[orientation]
    turned = image.transpose(1, 0, 2) if transpose else image
    turned = turned[::-1] if up_down else turned
    return np.ascontiguousarray(turned[:, ::-1] if left_right else turned)
