"""CVAT's own export ("CVAT for images"): `annotations.xml`, images with boxes; polygons by the boxes around them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.parsers import expat

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .imageset import SPLIT_WORDS, in_class_order
from .listing import is_regular
from .xml_tree import read_tree

__all__ = ["fits", "read"]

_MAX_XML_BYTES = 256 * 1024 * 1024
_Row = tuple[str, list[float]]  # label, [x, y, w, h]


def fits(path: Path) -> bool:
    """Whether this is such an XML, or a folder with one."""
    return _file(path) is not None


def read(path: Path) -> BoxSet:
    """Every image of the listing, found under its folder or under `images`."""
    file = _file(path)
    if file is None:
        raise DataError(f"{path}: has no annotations.xml of CVAT's")
    images, known = _listed(file)
    classes = known or list(in_class_order(label for _, _, rows, _ in images for label, _ in rows))
    classes += sorted({label for _, _, rows, _ in images for label, _ in rows} - set(classes))
    index = {name: c for c, name in enumerate(classes)}
    found, without = [], 0
    for name, split, rows, size in images:
        place = next((p for p in (Path(name), Path("images", name)) if is_regular(file.parent / p)), None)
        if place is None:
            without += 1
            continue
        boxes = ImageBoxes(
            np.array([box for _, box in rows], np.float64).reshape(-1, 4),
            np.array([index[label] for label, _ in rows], np.int64),
            np.zeros(len(rows), bool),
            size=size,
        )
        found.append((str(place), split, boxes))
    return box_set(file.parent, "cvat", classes, found, passed_over=without)


def _file(path: Path) -> Path | None:
    file = path if path.suffix.lower() == ".xml" else path / "annotations.xml"
    if not is_regular(file):
        return None
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError:
        return None
    return file if b"<annotations" in head else None


def _listed(file: Path) -> tuple[list[tuple[str, str, list[_Row], tuple[int, int] | None]], list[str]]:
    """Every image's name, split, boxes and size; and the labels in the order of the project."""
    try:
        tree = read_tree(file, "a listing", _MAX_XML_BYTES)
        images = []
        for node in tree.iter("image"):
            rows = [row for child in node if (row := _shape(child)) is not None]
            split = SPLIT_WORDS.get((node.get("subset") or "").strip().lower(), "")
            images.append((node.attrib["name"], split, rows, _size(node)))
        labels = [(label.findtext("name") or "").strip() for label in tree.iter("label")]
    except (OSError, ET.ParseError, expat.ExpatError, ValueError, KeyError) as error:
        raise DataError(f"{file}: is no listing that can be read ({error})") from None
    return images, list(dict.fromkeys(label for label in labels if label))


def _shape(node: ET.Element) -> _Row | None:
    label = (node.get("label") or "").strip()
    if node.tag == "box" and label:
        x0, y0, x1, y1 = (float(node.get(side) or "nan") for side in ("xtl", "ytl", "xbr", "ybr"))
        return label, [x0, y0, x1 - x0, y1 - y0]
    if node.tag == "polygon" and label:
        points = np.array([pair.split(",") for pair in (node.get("points") or "").split(";")], np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        return label, [*low.tolist(), *(high - low).tolist()]
    return None


def _size(node: ET.Element) -> tuple[int, int] | None:
    try:
        return int(node.get("height") or ""), int(node.get("width") or "")
    except ValueError:
        return None
