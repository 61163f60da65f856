"""CIFAR-10's binary files: a label byte and 3 × 32 × 32 planes a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from .imageset import ImageSet
from .listing import read_bytes

__all__ = ["CIFAR10_CLASSES", "fits", "read"]

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_ROW = 1 + 3 * 32 * 32


def fits(path: Path) -> bool:
    """Whether a folder, or `cifar-10-batches-bin` in it, holds CIFAR-10 batches."""
    return path.is_dir() and bool(_files(path))


def read(path: Path) -> ImageSet:
    """Every batch in the folder: `data_batch_*` is train, `test_batch` is test."""
    files = _files(path)
    if not files:
        raise DataError(f"{path}: has no data_batch_*.bin or test_batch.bin")
    counts = [_rows_in(file) for file in files]
    pixels = np.empty((sum(counts), 32, 32, 3), np.uint8)
    labels = np.empty(sum(counts), np.int32)
    splits, names, start = [], [], 0
    for file, count in zip(files, counts, strict=True):
        part = np.frombuffer(read_bytes(file), np.uint8).reshape(-1, _ROW)
        labels[start : start + count] = part[:, 0]
        pixels[start : start + count] = part[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        splits += ["test" if file.name.startswith("test") else "train"] * count
        names += [f"{file.stem}/{i}" for i in range(count)]
        start += count
    classes = _classes(files[0].parent, int(labels.max()))
    return ImageSet(str(path), "cifar10", classes, labels, np.array(splits, "<U5"), names, pixels)


def _files(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    for place in (folder, folder / "cifar-10-batches-bin"):
        if found := sorted([*place.glob("data_batch_*.bin"), *place.glob("test_batch.bin")]):
            return found
    return []


def _rows_in(file: Path) -> int:
    size = file.stat().st_size
    if not size or size % _ROW:
        raise DataError(f"{file}: holds {size} bytes, which is no whole number of {_ROW}-byte CIFAR-10 rows")
    return size // _ROW


def _classes(folder: Path, top: int) -> tuple[str, ...]:
    listing = folder / "batches.meta.txt"
    named = tuple(read_bytes(listing).decode("utf-8", "replace").split()) if listing.exists() else CIFAR10_CLASSES
    if top >= len(named):
        raise DataError(f"{folder}: a row's label is {top}, and there are {len(named)} classes: no CIFAR-10 rows")
    return named
