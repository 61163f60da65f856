"""Data-set formats by name, in the order in which they are recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError, EdgelensError
from ..images.read import SUFFIXES
from . import box_table, cifar, coco, cvat, folders, idx, label_studio, labelme, npz, table_folder, voc, yolo
from .boxset import BoxSet
from .contents import listed
from .imageset import ImageSet
from .listing import is_regular

__all__ = ["BOX_FORMATS", "FORMATS", "BoxFormat", "Format", "holds_boxes", "load_boxes", "load_images", "load_pictures"]

_PACKED = frozenset([".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"])


@dataclass(frozen=True)
class Format:
    """How a format of labelled images is told from others, and how it is read."""

    fits: Callable[[Path], bool]
    read: Callable[[Path], ImageSet]


@dataclass(frozen=True)
class BoxFormat:
    """How a format of images with boxes is told from others, and how it is read."""

    fits: Callable[[Path], bool]
    read: Callable[[Path], BoxSet]


def _never(_: Path) -> bool:
    """Of a format that is only taken where it is asked for."""
    return False


FORMATS: dict[str, Format] = {
    "npz": Format(npz.fits, npz.read),
    "csv": Format(table_folder.fits, table_folder.read),
    "idx": Format(idx.fits, idx.read),
    "cifar10": Format(cifar.fits, cifar.read),
    "folders": Format(folders.fits, folders.read),
    "folders-first": Format(_never, folders.read_first),
    "folders-last": Format(_never, folders.read_last),
}

BOX_FORMATS: dict[str, BoxFormat] = {
    "voc": BoxFormat(voc.fits, voc.read),
    "coco": BoxFormat(coco.fits, coco.read),
    "yolo": BoxFormat(yolo.fits, yolo.read),
    "cvat": BoxFormat(cvat.fits, cvat.read),
    "label-studio": BoxFormat(label_studio.fits, label_studio.read),
    "labelme": BoxFormat(labelme.fits, labelme.read),
    "boxes-csv": BoxFormat(box_table.fits, box_table.read),
}


def load_images(where: str | Path, *, format: str | None = None) -> ImageSet:  # noqa: A002 (the option's name)
    """A labelled image set from a folder or file, of the named format or the one that it looks like."""
    path = _found(where)
    if format is not None:
        if format not in FORMATS:
            raise DataError(f"--format {format}: must be one of {', '.join(FORMATS)}")
        return FORMATS[format].read(path)
    for name, known in FORMATS.items():
        if known.fits(path):
            if name in ("csv", "folders") and path.is_dir():
                _refuse_boxes(path)
            return known.read(path)
    raise DataError(f"{where}: {_what_is_there(path)}")


def load_pictures(where: str, option: str) -> ImageSet:
    """Any folder of pictures, labelled or not, or a labelled set; `option` is what messages call it."""
    path = Path(where)
    if not path.exists():
        raise DataError(f"{option} {where}: no such folder")
    try:
        return load_images(path)
    except EdgelensError:
        if not path.is_dir():
            raise
    names = [str(Path(file).relative_to(path)) for file in listed(str(path)).images]
    if not names:
        raise DataError(f"{option} {where}: holds no images; give a folder of photos")
    return ImageSet(str(path), "folders", ("",), np.zeros(len(names), np.int32), np.full(len(names), ""), names)


def load_boxes(where: str | Path, *, format: str | None = None) -> BoxSet:  # noqa: A002 (the option's name)
    """Images with boxes from a folder or file, of the named format or the one that it looks like."""
    path = _found(where)
    if format is not None and format not in BOX_FORMATS:
        raise DataError(f"--format {format}: a detector's data must be one of {', '.join(BOX_FORMATS)}")
    known = [BOX_FORMATS[format]] if format is not None else [f for f in BOX_FORMATS.values() if f.fits(path)]
    if not known:
        raise DataError(
            f"{where}: is no data set with boxes: give a folder with Annotations/*.xml (VOC), a COCO .json,"
            " images/ beside labels/ (YOLO), a CSV of path,xmin,ymin,xmax,ymax,label, LabelMe's .json beside"
            " pictures, or an export of CVAT or Label Studio"
        )
    return known[0].read(path)


def holds_boxes(path: Path, format: str | None = None) -> bool:  # noqa: A002 (the option's name)
    """Whether a path is data for detectors, by its format's name or by how it looks."""
    return format in BOX_FORMATS if format else any(known.fits(path) for known in BOX_FORMATS.values())


def _found(where: str | Path) -> Path:
    path = Path(where)
    try:
        if path.suffix.lower() in _PACKED and is_regular(path):
            raise DataError(f"{where}: is a packed archive; unpack it and give the folder")
        if path.is_dir() or is_regular(path):
            return path
        there = path.exists()
    except (OSError, ValueError):  # no name that a file can have
        there = False
    raise DataError(f"{where}: is no regular file, nor a folder" if there else f"{where}: no such file or folder")


def _refuse_boxes(path: Path) -> None:
    for name, known in BOX_FORMATS.items():
        if known.fits(path):
            raise DataError(
                f"{path}: holds boxes ({name}), for detectors; a classifier's data is one folder a class"
                " (--format folders, if these are)"
            )


def _what_is_there(path: Path) -> str:
    """Why a path is no labelled image set, and what would be one."""
    wanted = (
        "give a folder with one folder a class, a CSV of path,label, MNIST IDX files, CIFAR-10 .bin files or an .npz"
    )
    if path.is_file():
        return f"is a file and no data set that is known; {wanted}"
    there = list(path.iterdir())
    if not there:
        return f"is an empty folder; {wanted}"
    photos = sum(child.suffix.lower() in SUFFIXES for child in there)
    if photos:
        tables = ", ".join(file.name for file in table_folder.tables_in(path)) or "a CSV of path,label"
        return (
            f"has {photos} images and no folders that say what they show; put them in one folder a class, or give the"
            f" table that says it ({tables})"
        )
    return f"is no data set that is known; {wanted}"
