"""Pascal VOC: an XML a picture in Annotations/, the pictures in JPEGImages/."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from .marks import Classes, Marks

__all__ = ["place_of", "text_of"]

_IN_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # not even escaped


def place_of(name: str) -> str:
    """Where a picture's XML lies."""
    return f"Annotations/{Path(name).stem}.xml"


def text_of(name: str, marks: Marks, classes: Classes) -> str:  # noqa: ARG001
    """One picture's boxes."""
    root = ET.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", name)
    size = ET.SubElement(root, "size")
    for key, side in (("width", marks.width), ("height", marks.height), ("depth", 3)):
        _add(size, key, side)
    for box in marks.boxes:
        thing = ET.SubElement(root, "object")
        _add(thing, "name", box.label)
        _add(thing, "difficult", int(box.crowd))
        place_of = ET.SubElement(thing, "bndbox")
        corners = (("xmin", box.x), ("ymin", box.y), ("xmax", box.x + box.w), ("ymax", box.y + box.h))
        for key, value in corners:
            _add(place_of, key, round(value, 2))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _add(parent: ET.Element, name: str, value: object) -> None:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    ET.SubElement(parent, name).text = _IN_NO_XML.sub("_", text)
