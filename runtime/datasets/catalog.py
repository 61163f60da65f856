"""Data-set formats by name, in the order in which they are recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from . import cifar, folders, idx, npz, table
from .imageset import ImageSet

__all__ = ["FORMATS", "Format", "load_images"]


@dataclass(frozen=True)
class Format:
    """How a format is told from others, and how it is read."""

    fits: Callable[[Path], bool]
    read: Callable[[Path], ImageSet]


FORMATS: dict[str, Format] = {
    "npz": Format(npz.fits, npz.read),
    "csv": Format(table.fits, table.read),
    "idx": Format(idx.fits, idx.read),
    "cifar10": Format(cifar.fits, cifar.read),
    "folders": Format(folders.fits, folders.read),
}


def load_images(where: str | Path, *, format: str | None = None) -> ImageSet:  # noqa: A002 (the option's name)
    """A labelled image set from a folder or file, of the named format or the one that it looks like."""
    path = Path(where)
    if not path.exists():
        raise DataError(f"{where}: no such file or folder")
    if format is not None:
        if format not in FORMATS:
            raise DataError(f"--format {format}: must be one of {', '.join(FORMATS)}")
        return FORMATS[format].read(path)
    for known in FORMATS.values():
        if known.fits(path):
            return known.read(path)
    raise DataError(
        f"{where}: is no data set this kit knows: give a folder with one folder a class, a CSV of path,label,"
        " MNIST IDX files, CIFAR-10 binary files or an .npz with images and labels"
    )
