"""Pascal VOC: `Annotations/*.xml` beside `JPEGImages/`, splits as lists of names in `ImageSets/Main/`."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.parsers import expat

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .boxset import BoxSet, ImageBoxes, box_set
from .listing import read_text
from .xml_tree import read_tree

__all__ = ["fits", "read"]

_MAX_XML_BYTES = 4 * 1024 * 1024

_Object = tuple[str, list[float], bool]  # class, [x, y, w, h], difficult


def fits(path: Path) -> bool:
    """Whether a folder, or the only one in it, holds VOC annotations."""
    return path.is_dir() and _root(path) is not None


def read(path: Path) -> BoxSet:
    """Every annotated image; an object marked `difficult` counts neither way."""
    root = _root(path)
    if root is None:
        raise DataError(f"{path}: has no Annotations/*.xml: no Pascal VOC data set")
    photos = _photos(root)
    splits = _splits(root)
    found: list[tuple[str, str, list[_Object], tuple[int, int] | None]] = []
    without = 0
    for file in sorted((root / "Annotations").glob("*.xml")):
        listed, objects, size = _objects(file)
        name = photos.get(file.stem) or photos.get(Path(listed).stem)
        if name is None:
            without += 1
            continue
        found.append((name, splits.get(file.stem, ""), objects, size))
    classes = sorted({label for _, _, objects, _ in found for label, _, _ in objects})
    index = {label: c for c, label in enumerate(classes)}
    images = [
        (
            name,
            split,
            ImageBoxes(
                np.array([box for _, box, _ in objects], np.float64).reshape(-1, 4),
                np.array([index[label] for label, _, _ in objects], np.int64),
                np.array([difficult for _, _, difficult in objects], bool),
                size=size,
            ),
        )
        for name, split, objects, size in found
    ]
    return box_set(root, "voc", classes, images, passed_over=without)


def _root(path: Path) -> Path | None:
    folders = [path, *(child for child in sorted(path.iterdir()) if child.is_dir())]
    return next((f for f in folders if next((f / "Annotations").glob("*.xml"), None) is not None), None)


def _photos(root: Path) -> dict[str, str]:
    """The image files by their name without a suffix."""
    folder = next((f for f in ("JPEGImages", "images", "Images") if (root / f).is_dir()), "")
    return {
        file.stem: str(file.relative_to(root))
        for file in sorted((root / folder).iterdir())
        if file.suffix.lower() in SUFFIXES
    }


def _splits(root: Path) -> dict[str, str]:
    """The split of every name that a list gives; `trainval` says nothing."""
    where: dict[str, str] = {}
    for split in ("train", "val", "test"):
        listing = root / "ImageSets" / "Main" / f"{split}.txt"
        if listing.is_file():
            where |= {line.split()[0]: split for line in read_text(listing).splitlines() if line.strip()}
    return where


def _objects(file: Path) -> tuple[str, list[_Object], tuple[int, int] | None]:
    """The image's file name, every object, and the height and width that the file says the image has."""
    try:
        tree = read_tree(file, "an annotation", _MAX_XML_BYTES)
        objects = []
        for node in tree.iter("object"):
            box = node.find("bndbox")
            label = (node.findtext("name") or "").strip()
            if box is None or not label:
                raise DataError(f"{file}: an object has no name or no bndbox")
            x0, y0, x1, y1 = (float(box.findtext(corner) or "nan") for corner in ("xmin", "ymin", "xmax", "ymax"))
            objects.append((label, [x0, y0, x1 - x0, y1 - y0], (node.findtext("difficult") or "0").strip() == "1"))
    except (OSError, ET.ParseError, expat.ExpatError, ValueError) as error:
        raise DataError(f"{file}: is no annotation that can be read ({error})") from None
    return tree.findtext("filename") or "", objects, _size(tree)


def _size(tree: ET.Element) -> tuple[int, int] | None:
    try:
        height, width = (round(float(tree.findtext(f"size/{side}") or "")) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return height, width
