"""Pascal VOC: an XML a picture, in `Annotations/` beside `JPEGImages/` or each beside its picture, as labelImg does."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Container, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.parsers import expat

import numpy as np

from ..errors import DataError
from ..images.read import SUFFIXES
from .boxset import BoxSet, ImageBoxes, box_set
from .contents import holds_pictures, is_left_behind, listed
from .listing import is_regular, read_text
from .photo_folders import photo_folders
from .splits import SPLITS, split_called
from .xml_tree import read_tree

__all__ = ["fits", "read"]

_MAX_XML_BYTES = 4 * 1024 * 1024
_ANNOTATIONS = ("Annotations", "annotations", "ANNOTATIONS", "xmls", "labels", "Labels")

_Object = tuple[str, list[float], bool]  # class, [x, y, w, h], difficult


def fits(path: Path) -> bool:
    """Whether a folder holds VOC annotations, in a folder of theirs or beside their pictures."""
    return path.is_dir() and (_root(path) is not None or _lie_beside(path))


def read(path: Path) -> BoxSet:
    """Every annotated image; an object marked `difficult` counts neither way."""
    together = _root(path)
    root = together[0] if together else path
    below = root / together[1] if together else root
    files = sorted(_xmls(below))
    if not files:
        raise DataError(f"{path}: has no Annotations/*.xml, nor any beside pictures: no Pascal VOC data set")
    photos = _photos(root)
    names = {file: (file.relative_to(below).with_suffix("").as_posix(), file.stem) for file in files}
    splits = _splits(root, {name for both in names.values() for name in both})
    found: list[tuple[str, str, list[_Object], tuple[int, int] | None]] = []
    without = 0
    for file in files:
        listed_as, objects, size = _objects(file)
        inside = file.relative_to(below)
        ways = [inside.with_suffix(""), inside.parent / PureWindowsPath(listed_as).stem, Path(file.stem)]
        ways.append(Path(PureWindowsPath(listed_as).stem))
        name = next((photos[way.as_posix()] for way in ways if way.as_posix() in photos), None)
        if name is None:
            without += 1
            continue
        named = next((splits[name] for name in names[file] if name in splits), "")
        found.append((name, named or split_called(inside.parts[:-1]), objects, size))
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
    unknown = splits.keys() - {name for both in names.values() for name in both}
    notes = [f"{len(unknown):,} names in ImageSets/Main have no annotation (as {min(unknown)})"] if unknown else []
    return box_set(root, "voc", classes, images, passed_over=without, notes=notes)


def _root(path: Path) -> tuple[Path, str] | None:
    """The set's folder, here or the only one in it, and the name of its folder of annotations."""
    folders = [path, *(child for child in sorted(path.iterdir()) if child.is_dir())]
    return next(
        ((f, name) for f in folders for name in _ANNOTATIONS if next(_xmls(f / name), None) is not None),
        None,
    )


def _xmls(folder: Path) -> Iterator[Path]:
    """Every XML below a folder but those that systems leave behind, as macOS does beside each file."""
    for file in folder.rglob("*.[xX][mM][lL]"):
        if not any(map(is_left_behind, file.relative_to(folder).parts)):
            yield file


def _lie_beside(path: Path) -> bool:
    """Whether the first XML below a folder is an annotation with pictures around it."""
    for where, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not is_left_behind(name))
        named = (name for name in sorted(files) if name.lower().endswith(".xml") and not is_left_behind(name))
        first = next(named, None)
        if first is None:
            continue
        file = Path(where, first)
        if not is_regular(file):
            return False
        with file.open("rb") as stream:
            head = stream.read(4096)
        pictures = any(Path(name).suffix.lower() in SUFFIXES for name in files)
        return pictures and (b"<annotation>" in head or b"<annotation " in head)
    return False


def _photos(root: Path) -> dict[str, str]:
    """The image files by their path without a suffix, below their folder, and by their name alone."""
    folder = root / next((name for name in photo_folders(root) if holds_pictures(str(root / name))), "")
    pictures = [Path(file) for file in listed(str(folder)).images]
    alone = {file.stem: str(file.relative_to(root)) for file in reversed(pictures)}
    return alone | {
        file.relative_to(folder).with_suffix("").as_posix(): str(file.relative_to(root)) for file in pictures
    }


def _splits(root: Path, known: Container[str]) -> dict[str, str]:
    """The split of every name that a list gives; `trainval` says nothing."""
    return {
        _name_of(line.strip(), known): split
        for split in SPLITS
        for listing in sorted(root.glob(f"[iI]mage[sS]ets/[mM]ain/{split}.txt"))
        if listing.is_file()
        for line in read_text(listing).splitlines()
        if line.strip()
    }


def _name_of(line: str, known: Container[str]) -> str:
    """What a line of a list names, where blanks may be the name's, or stand before a class's 1, 0 or -1."""
    ways = [name for told in (line, line.split(maxsplit=1)[0]) for name in (told, _without_ending(told))]
    return next((name for name in ways if name in known), line)


def _without_ending(name: str) -> str:
    """A picture's name as its annotation has it."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in SUFFIXES else name


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
            difficult = (node.findtext("difficult") or "0").strip().lower() in ("1", "true")
            objects.append((label, [x0, y0, x1 - x0, y1 - y0], difficult))
    except (OSError, ET.ParseError, expat.ExpatError, ValueError) as error:
        raise DataError(f"{file}: is no annotation that can be read ({error})") from None
    return tree.findtext("filename") or "", objects, _size(tree)


def _size(tree: ET.Element) -> tuple[int, int] | None:
    try:
        height, width = (round(float(tree.findtext(f"size/{side}") or "")) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return height, width
