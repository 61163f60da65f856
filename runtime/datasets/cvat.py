"""CVAT's own exports, "for images" and "for video": `annotations.xml`; any shape by the box around it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np

from ..errors import DataError
from .boxset import BoxSet, ImageBoxes, box_set
from .contents import listed
from .imageset import in_class_order
from .listing import is_regular
from .other_machine import ways_here
from .photo_folders import photo_folders
from .splits import SPLIT_WORDS
from .turned import around_ellipse, upright
from .xml_tree import read_tree

__all__ = ["fits", "read"]

_MAX_XML_BYTES = 256 * 1024 * 1024
_NO_SUBSET = "default"  # what CVAT calls it
_NUMBER = re.compile(r"(\d+)$")
_Row = tuple[str, list[float]]  # label, [x, y, w, h]


@dataclass
class _Image:
    """A picture as the listing knows it; a video's frame has no name."""

    name: str
    subset: str = ""
    rows: list[_Row] = field(default_factory=list)
    size: tuple[int, int] | None = None


@dataclass
class _Listing:
    images: list[_Image]
    labels: list[str]  # in the order of the project
    left_out: Counter[str] = field(default_factory=Counter)  # shapes around which there is no box


def fits(path: Path) -> bool:
    """Whether this is such an XML, or a folder with one."""
    return _file(path) is not None


def read(path: Path) -> BoxSet:
    """Every image of the listing, found under its folder or under `images`; a video's by their numbers."""
    file = _file(path)
    if file is None:
        raise DataError(f"{path}: has no annotations.xml of CVAT's")
    listing = _listed(file)
    folders = photo_folders(file.parent)
    there = [(place, image) for image in listing.images if (place := _place(file, image, folders)) is not None]
    used = [label for _, image in there for label, _ in image.rows]
    classes = listing.labels or list(in_class_order(used))
    classes += sorted(set(used) - set(classes))
    index = {name: c for c, name in enumerate(classes)}
    found = [
        (
            str(place),
            SPLIT_WORDS.get(image.subset.lower(), ""),
            ImageBoxes(
                np.array([box for _, box in image.rows], np.float64).reshape(-1, 4),
                np.array([index[label] for label, _ in image.rows], np.int64),
                np.zeros(len(image.rows), bool),
                size=image.size,
            ),
        )
        for place, image in there
    ]
    notes = [
        f"{count:,} of CVAT's {shape} have no box around them, left out" for shape, count in listing.left_out.items()
    ]
    return box_set(file.parent, "cvat", classes, found, passed_over=len(listing.images) - len(there), notes=notes)


def _file(path: Path) -> Path | None:
    files = [path] if path.suffix.lower() == ".xml" else sorted(path.glob("annotations.[xX][mM][lL]"))
    file = next(filter(is_regular, files), None)
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError:
        return None
    return file if b"<annotations" in head else None


def _listed(file: Path) -> _Listing:
    """Every image's name, split, boxes and size; and the labels in the order of the project."""
    listing = _Listing([], [])
    try:
        tree = read_tree(file, "a listing", _MAX_XML_BYTES)
        for node in tree.iter("image"):
            image = _Image(node.attrib["name"], (node.get("subset") or "").strip(), size=_size(node))
            for child in node:
                _add(image, child, child.get("label") or "", listing)
            listing.images.append(image)
        if next(tree.iter("track"), None) is not None:
            listing.images += _of_video(file, tree, listing)
        labels = [(label.findtext("name") or "").strip() for label in tree.iter("label")]
    except (OSError, ET.ParseError, expat.ExpatError, ValueError, KeyError) as error:
        raise DataError(f"{file}: is no listing that can be read ({error})") from None
    listing.labels = list(dict.fromkeys(label for label in labels if label))
    return listing


def _of_video(file: Path, tree: ET.Element, listing: _Listing) -> list[_Image]:
    """The frames of a video that lie as pictures beside the listing, each with the shapes of its tracks."""
    folder = file.parent / next(iter(photo_folders(file.parent)), "")
    frames: dict[int, _Image] = {}
    for picture in listed(str(folder)).images:
        if number := _NUMBER.search(Path(picture).stem):
            frames[int(number.group(1))] = _Image(str(Path(picture).relative_to(file.parent)))
    for track in tree.iter("track"):
        for shape in track:
            image = frames.setdefault(int(shape.attrib["frame"]), _Image("")) if shape.get("frame") else None
            if image is not None and shape.get("outside") != "1":
                _add(image, shape, track.get("label") or "", listing)
    return [image for image in frames.values() if image.name or image.rows]


def _add(image: _Image, node: ET.Element, label: str, listing: _Listing) -> None:
    """A shape's box to its image; what has none is counted."""
    box = _BOXES[node.tag](node) if node.tag in _BOXES and label.strip() else None
    if box is not None:
        image.rows.append((label.strip(), box))
    elif label.strip():
        listing.left_out[node.tag] += 1


def _of_box(node: ET.Element) -> list[float]:
    x0, y0, x1, y1 = (float(node.get(side) or "nan") for side in ("xtl", "ytl", "xbr", "ybr"))
    turned = float(node.get("rotation") or 0)
    return upright([x0, y0, x1 - x0, y1 - y0], turned, ((x0 + x1) / 2, (y0 + y1) / 2))


def _of_ellipse(node: ET.Element) -> list[float]:
    x, y, rx, ry = (float(node.get(side) or "nan") for side in ("cx", "cy", "rx", "ry"))
    return around_ellipse((x, y), (rx, ry), float(node.get("rotation") or 0))


def _of_polygon(node: ET.Element) -> list[float]:
    points = np.array([pair.split(",") for pair in (node.get("points") or "").split(";")], np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def _of_mask(node: ET.Element) -> list[float]:
    return [float(node.get(side) or "nan") for side in ("left", "top", "width", "height")]


_BOXES = {"box": _of_box, "polygon": _of_polygon, "ellipse": _of_ellipse, "mask": _of_mask}


def _place(file: Path, image: _Image, photos: list[str]) -> Path | None:
    """Where a picture lies under the listing's folder: a project's in a folder for its subset, a task's in none."""
    if not image.name:
        return None
    folders = dict.fromkeys([*(f"{name}/{image.subset or _NO_SUBSET}" for name in photos), image.subset, "", *photos])
    ways = (Path(folder, way) for way in ways_here(image.name) for folder in folders)
    return next((way for way in ways if is_regular(file.parent / way)), None)


def _size(node: ET.Element) -> tuple[int, int] | None:
    try:
        return int(node.get("height") or ""), int(node.get("width") or "")
    except ValueError:
        return None
