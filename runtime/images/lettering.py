"""Which letters of a text can be drawn on a picture: OpenCV 5 has most scripts, OpenCV 4 the 95 of ASCII alone."""

from __future__ import annotations

import unicodedata

import cv2

__all__ = ["drawable"]

_ALL_SCRIPTS = int(cv2.__version__.split(".")[0]) >= 5


def drawable(text: str) -> str:
    """The text as OpenCV can draw it: with ? for what it has no letter for, and no accents where it has none."""
    if _ALL_SCRIPTS:
        whole = unicodedata.normalize("NFC", text)
        return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in whole)
    parts = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in parts)
