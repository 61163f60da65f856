"""MNIST's IDX files, plain or gzipped; EMNIST's, which lie on their sides and whose classes a table names."""

from __future__ import annotations

import gzip
import io
import math
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .imageset import ImageSet
from .listing import read_bytes, read_text
from .splits import SPLIT_WORDS

__all__ = ["fits", "read"]

_SPLITS = SPLIT_WORDS | {"t10k": "test"}
_EMNIST = "emnist-"
_ANY = "*[-.]idx[13]-ubyte*"


def fits(path: Path) -> bool:
    """Whether a folder holds IDX files."""
    return path.is_dir() and any(_folder(path).glob(_ANY))


def read(path: Path) -> ImageSet:
    """Every pair of image and label files in the folder."""
    folder = _folder(path) if path.is_dir() else path.parent
    images, labels, splits, names = [], [], [], []
    for file in sorted(folder.glob("*images[-.]idx3-ubyte*")):
        if file.suffix == ".gz" and file.with_suffix("").exists():
            continue  # torchvision leaves both
        words = re.split("[-_.]", file.name)  # emnist-letters-train-images-idx3-ubyte
        split = next((s for word in words for start, s in _SPLITS.items() if word.startswith(start)), "")
        label_file = file.with_name(re.sub(r"images([-.])idx3", r"labels\1idx1", file.name))
        if not label_file.exists() and file.suffix == ".gz":
            label_file = label_file.with_suffix("")
        part, answers = _upright(file, _array(file, 3)), _array(label_file, 1)
        if len(part) != len(answers):
            raise DataError(f"{label_file}: {len(answers)} labels for {len(part)} images of {file.name}")
        images.append(part)
        labels.append(answers)
        splits += [split] * len(part)
        names += [f"{split or 'all'}/{i}" for i in range(len(part))]
    if not images:
        raise DataError(f"{path}: has labels and no images: no *-images-idx3-ubyte file; put it beside the others")
    if len({part.shape[1:] for part in images}) > 1:
        raise DataError(f"{path}: its image files are of different sizes")
    if not sum(map(len, images)):
        raise DataError(f"{path}: its image files hold no images")
    classes, numbers = _named(folder, np.concatenate(labels))
    return ImageSet(str(path), "idx", classes, numbers, np.array(splits, "<U5"), names, np.concatenate(images))


def _upright(file: Path, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W) as people see them: EMNIST's files hold each picture column by column."""
    turned = file.name.startswith(_EMNIST)
    return np.ascontiguousarray(pictures.transpose(0, 2, 1)) if turned else pictures


def _named(folder: Path, labels: NDArray[np.uint8]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The classes and each picture's: all numbers up to the largest label, of EMNIST those that there are."""
    sets = {"-".join(file.name.split("-")[:2]) for file in folder.glob(f"{_EMNIST}*images*")}
    if len(sets) > 1:
        raise DataError(f"{folder}: holds several sets ({', '.join(sorted(sets))}); give each a folder of its own")
    if not sets:
        return tuple(map(str, range(int(labels.max()) + 1))), labels.astype(np.int32)
    table = folder / f"{sets.pop()}-mapping.txt"
    rows = [line.split() for line in read_text(table).splitlines() if line.strip()] if table.exists() else []
    try:
        names = {int(row[0]): chr(int(row[1])) for row in rows}
    except (ValueError, IndexError, OverflowError):
        raise DataError(f"{table}: is no table of a label and the number of its letter a line") from None
    there, places = np.unique(labels, return_inverse=True)
    return tuple(names.get(label, str(label)) for label in there.tolist()), places.astype(np.int32)


def _folder(path: Path) -> Path:
    """The folder itself, or the `raw` in it, where torchvision puts the files."""
    return path / "raw" if not any(path.glob(_ANY)) and (path / "raw").is_dir() else path


def _array(path: Path, axes: int) -> NDArray[np.uint8]:
    if not path.exists():
        raise DataError(f"{path}: no such file; it belongs beside the other IDX files")
    raw = read_bytes(path)
    stream = gzip.GzipFile(fileobj=io.BytesIO(raw)) if raw[:2] == b"\x1f\x8b" else io.BytesIO(raw)
    try:
        start = stream.read(4 + 4 * axes)
        if len(start) < 4 + 4 * axes or start[:4] != bytes((0, 0, 8, axes)):
            raise DataError(f"{path}: is no IDX file of unsigned bytes with {axes} axes")
        shape = struct.unpack(f">{axes}I", start[4:])
        data = stream.read(math.prod(shape) + 1)  # no more than it says, whatever it unpacks to
    except (OSError, EOFError, OverflowError, MemoryError, zlib.error) as error:
        raise DataError(f"{path}: could not be read ({error or 'it says more than fits into memory'})") from None
    if len(data) != math.prod(shape):
        more = "more than that" if len(data) > math.prod(shape) else f"{len(data)} bytes"
        raise DataError(f"{path}: says {shape} and holds {more}")
    return np.frombuffer(data, np.uint8).reshape(shape)
