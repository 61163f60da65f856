"""Characters as plates have them: pictures of one each, as high as their line."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["Glyph", "glyph"]

_SIZE = 80  # pixels of a font
_INK = 40  # a gray that belongs to a character


@dataclass(frozen=True)
class Glyph:
    """A character's ink and how it stands between the line's top (0) and foot (1)."""

    mask: NDArray[np.uint8]
    top: float
    foot: float
    wide: float  # as a share of a usual character of its font, as wide as 0 and H are on average


@functools.lru_cache(maxsize=8192)
def glyph(file: str, character: str) -> Glyph | None:
    """The character in that font; None of a space. Letters and digits of one height fill the line."""
    ink = _ink(file, character)
    if ink is None:
        return None
    mask, top, foot = ink
    cap = _usual(file)[1]
    if character.islower() or not character.isalnum():
        return Glyph(mask, 1 - top / cap, 1 - foot / cap, mask.shape[1] / _usual(file)[0])
    return Glyph(mask, 0.0, 1.0, mask.shape[1] / _usual(file)[0] * cap / mask.shape[0])


@functools.lru_cache(maxsize=2048)
def _usual(file: str) -> tuple[float, float]:
    """How wide and how high a font's usual character is, in pixels."""
    shapes = [ink[0].shape for ink in (_ink(file, "0"), _ink(file, "H")) if ink is not None]
    if not shapes:
        return _SIZE * 0.6, _SIZE * 0.7
    return sum(shape[1] for shape in shapes) / len(shapes), max(shape[0] for shape in shapes)


@functools.lru_cache(maxsize=1024)
def _face(file: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, _SIZE)


def _ink(file: str, character: str) -> tuple[NDArray[np.uint8], float, float] | None:
    """What a character leaves on paper, and how far above the baseline it begins and ends, in pixels."""
    face, baseline = _face(file), 2 * _SIZE
    canvas = Image.new("L", (4 * _SIZE, 3 * _SIZE))
    ImageDraw.Draw(canvas).text((_SIZE, baseline), character, 255, face, "ls")
    whole = np.asarray(canvas)
    rows, columns = np.flatnonzero((whole > _INK).any(1)), np.flatnonzero((whole > _INK).any(0))
    if not len(rows):
        return None
    cut = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(cut), float(baseline - rows[0]), float(baseline - rows[-1] - 1)
