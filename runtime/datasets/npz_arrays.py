"""The arrays of an .npz; those stored without compression are mapped, so that a large set need not fit in memory."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["open_arrays"]

_MAPPED_FROM = 1 << 20  # bytes
_LOCAL_HEADER = 30


def open_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array by its name; objects (pickles) are refused."""
    arrays: dict[str, NDArray[Any]] = {}
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive, zipfile.ZipFile(path) as entries:
        for info in entries.infolist():
            name = info.filename.removesuffix(".npy")
            if name not in archive.files:
                continue
            large = info.compress_type == zipfile.ZIP_STORED and info.file_size > _MAPPED_FROM
            mapped = _mapped(path, info) if large else None
            arrays[name] = archive[name] if mapped is None else mapped
    return arrays


def _mapped(path: Path, info: zipfile.ZipInfo) -> NDArray[Any] | None:
    """A stored entry's array where it lies in the file; None for a layout that has to be read."""
    with path.open("rb") as stream:
        stream.seek(info.header_offset)
        header = stream.read(_LOCAL_HEADER)
        name_length, extra_length = struct.unpack("<HH", header[26:30])
        stream.seek(info.header_offset + _LOCAL_HEADER + name_length + extra_length)
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            return None
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        if fortran or dtype.hasobject:
            return None
        return np.memmap(path, dtype, mode="r", offset=stream.tell(), shape=shape)
