"""A bundle's directory, believed only after every entry was found where and as it is said to be."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import BundleError

__all__ = ["MAX_ENTRIES", "MAX_ENTRY_BYTES", "check_directory"]

MAX_ENTRIES = 4096
MAX_ENTRY_BYTES = 512 * 1024 * 1024

_LOCAL = struct.Struct("<4s5H3I2H")  # mark, version, flags, method, time, date, CRC, stored, size, name, extra
_ENCRYPTED, _SIZES_FOLLOW, _PATCH, _STRONG = 0x1, 0x8, 0x20, 0x40
_ZIP64 = 45


def check_directory(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse whatever a bundle's writer does not write: odd names, duplicates, compression, overlaps, false sizes."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise BundleError(f"{path}: has {len(infos)} entries, at most {MAX_ENTRIES} are allowed")
    seen: set[str] = set()
    for info in infos:
        _check_name(info, path)
        if info.filename in seen:
            raise BundleError(f"{path}: entry {info.filename!r} is there twice")
        seen.add(info.filename)
        _check_storage(info, path)
    if archive.fp is not None:
        _check_places(archive.fp, infos, archive.start_dir, path)


def _check_name(info: zipfile.ZipInfo, path: Path) -> None:
    name = info.filename
    plain = PurePosixPath(name)
    if (
        plain.is_absolute()
        or ".." in plain.parts
        or str(plain) != name
        or name == "."
        or any(letter in "\\:" or not letter.isprintable() for letter in name)
        or "\0" in info.orig_filename
    ):
        raise BundleError(
            f"{path}: entry {name!r}: absolute paths, folders, '..' and odd characters are not allowed in a bundle"
        )


def _check_storage(info: zipfile.ZipInfo, path: Path) -> None:
    name = info.filename
    if info.flag_bits & (_ENCRYPTED | _STRONG):
        raise BundleError(f"{path}: entry {name!r} is encrypted")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise BundleError(f"{path}: entry {name!r} is compressed; a bundle's entries are stored")
    if info.file_size > MAX_ENTRY_BYTES:
        raise BundleError(
            f"{path}: entry {name!r} claims {info.file_size} bytes, at most {MAX_ENTRY_BYTES} are allowed"
        )
    if info.flag_bits & (_SIZES_FOLLOW | _PATCH) or info.extract_version >= _ZIP64:
        raise BundleError(f"{path}: entry {name!r} uses zip features that a bundle has no use for")


def _check_places(stream: IO[bytes], infos: list[zipfile.ZipInfo], directory: int, path: Path) -> None:
    """Every entry's own header says what the directory says, and no entry reaches into another or the directory."""
    end_before = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        stream.seek(info.header_offset)
        head = stream.read(_LOCAL.size)
        if len(head) != _LOCAL.size:
            raise BundleError(f"{path}: entry {info.filename!r} lies outside the file")
        mark, _, flags, method, _, _, crc, stored, size, name_length, extra_length = _LOCAL.unpack(head)
        name = stream.read(name_length)
        end = info.header_offset + _LOCAL.size + name_length + extra_length + info.compress_size
        if (
            mark != b"PK\x03\x04"
            or (flags, method, crc) != (info.flag_bits, info.compress_type, info.CRC)
            or (stored, size) != (info.compress_size, info.file_size)
            or name.decode("utf-8", "replace") != info.filename
        ):
            raise BundleError(f"{path}: entry {info.filename!r} is not what the directory says of it: damaged")
        if info.header_offset < end_before or end > directory:
            raise BundleError(f"{path}: entry {info.filename!r} overlaps another one or the directory")
        end_before = end
