"""XML that strangers wrote: bounded, and without a document type."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.parsers import expat

from ..errors import DataError
from .listing import read_bytes

__all__ = ["read_tree"]


def read_tree(file: Path, what: str, most_bytes: int) -> ET.Element:
    """The root of a file that is `what`; what is wrong with it is raised as its reader or parser says it."""
    if file.stat().st_size > most_bytes:
        raise DataError(f"{file}: is too large for {what}")
    data = read_bytes(file)
    _refuse_doctype(data)
    return ET.fromstring(data)  # noqa: S314 (a document type, and so entities, has been refused)


def _refuse_doctype(data: bytes) -> None:
    """Annotations need no document type, and with one come entities that grow without end or read other files."""

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(data, True)
