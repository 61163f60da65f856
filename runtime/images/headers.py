"""What an encoded image says of itself: format, size, depth, alpha and orientation, read before anything is decoded.

A decompression bomb is refused by these numbers, so every parser here reads a few bytes and believes no length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from .jpeg_segments import jpeg_segments
from .orientation import exif_orientation, text_orientation, xmp_orientation
from .tiff_tags import read_tags

__all__ = ["ImageHeader", "read_header"]

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_PROGRESSIVE = frozenset([0xC2, 0xC6, 0xCA, 0xCE])
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS, _TIFF_SAMPLES, _TIFF_EXTRA = 0x100, 0x101, 0x102, 0x115, 0x152
_TILE_WIDTH, _TILE_HEIGHT = 0x142, 0x143
_TIFF_SIZES = (_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS, _TIFF_SAMPLES, _TILE_WIDTH, _TILE_HEIGHT)
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(frozen=True)
class ImageHeader:
    """The numbers that decide whether and how an image is decoded."""

    kind: str  # "jpeg", "png", "webp", "gif", "bmp", "tiff", "pnm", "jp2", "ico", "heic", "avif"
    width: int
    height: int
    pixel_bytes: float = 3.0  # what a decoder holds a pixel, besides the uint8 BGR it ends in
    alpha: str = ""  # "straight", "premultiplied" or none
    deep: bool = False  # more than 8 bits a sample
    orientation: int = 1  # EXIF, 1 to 8
    complete: bool = True  # False where the end is missing
    apart: bool = False  # of a layout that OpenCV does not read, so that it is read here
    turned: bool = False  # by the decoder itself, as `orientation` says
    white: int = 0  # the sample that is white where that is not the largest of its type


def read_header(data: bytes) -> ImageHeader | None:
    """The header of an encoded image; None for what is no image of a format that is read here."""
    for magic, parse in _PARSERS:
        if data.startswith(magic):
            try:
                return parse(data)
            except (struct.error, IndexError, ValueError):
                return None
    return None


def _jpeg(data: bytes) -> ImageHeader | None:
    frame: tuple[int, int, int, bool] | None = None
    exif = xmp = 0
    for marker, start, length in jpeg_segments(data):
        if marker in _JPEG_FRAMES and frame is None:
            height, width, components = struct.unpack_from(">HHB", data, start + 1)
            frame = (width, height, components, marker in _JPEG_PROGRESSIVE)
        elif marker == 0xE1 and data[start : start + 6] == b"Exif\0\0":
            exif = exif or exif_orientation(data[start + 6 : start + length])
        elif marker == 0xE1 and data[start : start + length].startswith(_XMP_MARK):
            xmp = xmp or xmp_orientation(data[start : start + length])
        elif marker == 0xDA and frame is not None:
            width, height, components, progressive = frame
            held = 2.0 * components if progressive else 0.0  # a progressive one keeps 16-bit coefficients of it all
            whole = data.rfind(b"\xff\xd9") > start
            return ImageHeader("jpeg", width, height, held, orientation=exif or xmp or 1, complete=whole)
    return None


def _png(data: bytes) -> ImageHeader | None:
    if data[12:16] != b"IHDR":
        return None
    width, height, depth, color = struct.unpack_from(">IIBB", data, 16)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color)
    if channels is None or not width or not height:
        return None
    exif, text, transparent, ended, at = 0, 0, False, False, 8
    while at + 12 <= len(data) and not ended:
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"eXIf":
            exif = exif_orientation(data[at + 8 : at + 8 + length])
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            text = text or text_orientation(kind, data[at + 8 : at + 8 + length])
        transparent = transparent or kind == b"tRNS"
        ended = kind == b"IEND"
        at += 12 + length
    held = (4 if color == 3 else max(channels, 3)) * (2 if depth == 16 else 1)
    alpha = "straight" if color in (4, 6) or transparent else ""
    return ImageHeader("png", width, height, held, alpha, depth == 16, exif or text or 1, ended)


def _webp(data: bytes) -> ImageHeader | None:
    if data[8:12] != b"WEBP":
        return None
    (size,) = struct.unpack_from("<I", data, 4)
    complete = len(data) >= size + 8 - (size & 1)
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader("webp", width & 0x3FFF, height & 0x3FFF, 4.0, complete=complete)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        alpha = "straight" if bits >> 28 & 1 else ""
        return ImageHeader("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 8.0, alpha, complete=complete)
    if kind == b"VP8X":
        flags = data[20]
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        orientation = exif_orientation(_riff_chunk(data, b"EXIF")) if flags & 8 else 0
        if flags & 4:
            orientation = orientation or xmp_orientation(_riff_chunk(data, b"XMP "))
        # an animation is decoded onto a canvas beside the frame
        held = 12.0 if flags & 2 else 8.0
        alpha = "straight" if flags & 0x10 else ""
        return ImageHeader("webp", width, height, held, alpha, orientation=orientation or 1, complete=complete)
    return None


def _riff_chunk(data: bytes, wanted: bytes) -> bytes:
    at = 12
    while at + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        if data[at : at + 4] == wanted:
            return data[at + 8 : at + 8 + size].removeprefix(b"Exif\0\0")
        at += 8 + size + (size & 1)
    return b""


def _gif(data: bytes) -> ImageHeader | None:
    width, height = struct.unpack_from("<HH", data, 6)
    return ImageHeader("gif", width, height, 8.0, "straight") if width and height else None


def _bmp(data: bytes) -> ImageHeader | None:
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if size == 12 else "<ii", data, 18)
    return ImageHeader("bmp", width, abs(height), 4.0)


def _pnm(data: bytes) -> ImageHeader | None:
    words: list[bytes] = []
    for line in data[2:1024].split(b"\n"):
        words += line.split(b"#", 1)[0].split()
        if len(words) >= 3:
            break
    white = int(words[2]) if len(words) > 2 and data[1:2] not in b"14" else 255
    deep, in_words = white > 255, data[1:2] in b"123"
    known = white in (255, 65535) or (in_words and not deep)  # numbers in words are scaled by OpenCV
    return ImageHeader(
        "pnm", int(words[0]), int(words[1]), 6.0 if deep else 3.0, deep=deep, white=0 if known else white
    )


def _jp2(data: bytes) -> ImageHeader | None:
    if data.startswith(b"\xff\x4f"):  # a bare code stream: the SIZ segment stands first
        x1, y1, x0, y0 = struct.unpack_from(">IIII", data, 8)
        return ImageHeader("jp2", x1 - x0, y1 - y0, 16.0)
    at = data.find(b"ihdr", 0, 4096)
    if at < 0:
        return None
    height, width = struct.unpack_from(">II", data, at + 4)
    return ImageHeader("jp2", width, height, 16.0, deep=data[at + 14] & 0x7F > 7)  # decoders hold 32-bit samples


def _tiff(data: bytes) -> ImageHeader | None:
    from .tiff_planes import needs_planes

    tags = read_tags(data)
    width, height = tags.first(_TIFF_WIDTH, 0), tags.first(_TIFF_HEIGHT, 0)
    if not width or not height or tags.twice & set(_TIFF_SIZES):
        return None  # of a size that is said twice decoders take one or the other
    tile = tags.first(_TILE_WIDTH, 0) * tags.first(_TILE_HEIGHT, 0)
    samples, bits = tags.first(_TIFF_SAMPLES, 1), tags.first(_TIFF_BITS, 8)
    held = max(samples, 3) * max(bits, 8) / 8 * max(tile / (width * height), 1)
    extra = tags.first(_TIFF_EXTRA, 0) if samples in (2, 4) else 0
    alpha = {1: "premultiplied", 2: "straight"}.get(extra, "")
    if alpha and bits <= 8:
        alpha = "premultiplied"  # libtiff multiplies what it hands out as bytes
    apart = needs_planes(tags)
    turn = exif_orientation(data) or 1
    return ImageHeader("tiff", width, height, held, alpha, bits > 8, turn, apart=apart, turned=not apart)


def _ico(data: bytes) -> ImageHeader | None:
    from .ico import bitmap_size, largest

    picture = largest(data)
    if picture.startswith(b"\x89PNG"):
        inner = _png(picture)
        return None if inner is None else replace(inner, kind="ico")
    width, height, _ = bitmap_size(picture)
    return ImageHeader("ico", width, height, 8.0, "straight", apart=True)


_PARSERS: tuple[tuple[bytes, Callable[[bytes], ImageHeader | None]], ...] = (
    (b"\xff\xd8", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"RIFF", _webp),
    (b"GIF8", _gif),
    (b"BM", _bmp),
    *((mark, _tiff) for mark in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"\0\0\1\0", _ico),
    *((b"P" + digit, _pnm) for digit in (b"1", b"2", b"3", b"4", b"5", b"6")),
    (b"\0\0\0\x0cjP  ", _jp2),
    (b"\xff\x4f\xff\x51", _jp2),
)
