"""CIFAR-10's binary files: a label byte and 3 × 32 × 32 planes a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DataError
from .imageset import ImageSet

__all__ = ["fits", "read"]

_ROW = 1 + 3 * 32 * 32


def fits(path: Path) -> bool:
    """Whether a folder holds CIFAR-10 batches."""
    return path.is_dir() and (any(path.glob("data_batch_*.bin")) or (path / "test_batch.bin").exists())


def read(path: Path) -> ImageSet:
    """Every batch in the folder: `data_batch_*` is train, `test_batch` is test."""
    folder = path if path.is_dir() else path.parent
    rows, splits, names = [], [], []
    for file in sorted([*folder.glob("data_batch_*.bin"), *folder.glob("test_batch.bin")]):
        data = np.fromfile(file, np.uint8)
        if not len(data) or len(data) % _ROW:
            raise DataError(f"{file}: holds {len(data)} bytes, which is no whole number of {_ROW}-byte CIFAR-10 rows")
        part = data.reshape(-1, _ROW)
        split = "test" if file.name.startswith("test") else "train"
        splits += [split] * len(part)
        names += [f"{file.stem}/{i}" for i in range(len(part))]
        rows.append(part)
    if not rows:
        raise DataError(f"{path}: has no data_batch_*.bin or test_batch.bin")
    table = np.concatenate(rows)
    labels = table[:, 0].astype(np.int32)
    listing = folder / "batches.meta.txt"
    named = tuple(listing.read_text().split()) if listing.exists() else ()
    classes = named if len(named) > labels.max() else tuple(str(c) for c in range(int(labels.max()) + 1))
    pixels = np.ascontiguousarray(table[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return ImageSet(str(path), "cifar10", classes, labels, np.array(splits), names, pixels)
