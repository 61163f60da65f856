"""How a picture is to be turned: in EXIF's own form, written as hexadecimal text, or in the XMP that editors write."""

from __future__ import annotations

import re
import struct
import zlib

from .tiff_tags import read_tags

__all__ = ["exif_orientation", "text_orientation", "xmp_orientation"]

_ORIENTATION = 0x112
_XMP = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])""")
_MOST_TEXT = 1 << 20
_PROFILES = (b"Raw profile type exif", b"Raw profile type APP1")  # as ImageMagick writes them


def exif_orientation(data: bytes) -> int:
    """The orientation of an EXIF structure, 1 to 8; 0 where it says none."""
    try:
        value = read_tags(data.removeprefix(b"Exif\0\0")).first(_ORIENTATION, 0)
    except (struct.error, ValueError):
        return 0
    return value if 1 <= value <= 8 else 0


def xmp_orientation(data: bytes) -> int:
    """The orientation that an XMP packet says; 0 where it says none."""
    match = _XMP.search(data[:_MOST_TEXT])
    return int(match[1]) if match else 0


def text_orientation(kind: bytes, chunk: bytes) -> int:
    """The orientation in one of a PNG's text chunks (tEXt, zTXt, iTXt); 0 where it says none."""
    key, _, rest = chunk.partition(b"\0")
    if key not in (*_PROFILES, b"XML:com.adobe.xmp"):
        return 0
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]  # the method of compression
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]  # past language and translated key
    try:
        text = zlib.decompressobj().decompress(rest, _MOST_TEXT) if packed else rest[:_MOST_TEXT]
        return xmp_orientation(text) if key.startswith(b"XML") else exif_orientation(_unhexed(text))
    except (zlib.error, ValueError):
        return 0


def _unhexed(text: bytes) -> bytes:
    """A raw profile: a newline, its kind, its length, then hexadecimal digits over many lines."""
    return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
