"""A plate as its layout draws it: looked at from the front, in good light, without a speck."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from .glyphs import Glyph, glyph
from .layout import Band, Box, Colours, Layout, Line, Part
from .scribble import scribbled
from .signs import Signs

__all__ = ["Faces", "Flat", "drawn"]

Faces: TypeAlias = Mapping[Signs, tuple[str, ...]]  # the fonts that know what a text may hold; none: it is scribbled
# the room that something takes, the gap behind it, and a character with its picture, a mark, or nothing
_Item: TypeAlias = tuple[float, float, tuple[str, Glyph | None] | str | None]

_LINE = 44  # pixels that the highest line which is read has
_MOST = 1200  # pixels of a plate's longer side
_STARS, _STAR = 12, (242, 200, 40)
_SEAL_RIM = ((150, 160, 165), (60, 110, 70), (190, 120, 40), (70, 100, 170))


@dataclass(frozen=True)
class Flat:
    """A plate's picture and what of it is to be read."""

    image: NDArray[np.float32]  # (H, W, 3) RGB, 0 to 255
    shape: NDArray[np.float32]  # (H, W) 0 to 1: where the plate is, its corners are round
    raised: NDArray[np.float32]  # (H, W) 0 to 1: what is pressed out of the metal
    part: Box  # that is shown, in pixels
    text: str


class _Sheet:
    """The metal while it is painted."""

    def __init__(self, layout: Layout, ground: tuple[int, int, int], scale: float) -> None:
        self.scale = scale
        self.wide, self.high = (max(round(side * scale), 2) for side in layout.size)
        self.image = np.empty((self.high, self.wide, 3), np.float32)
        self.image[:] = ground
        self.raised = np.zeros((self.high, self.wide), np.float32)

    def fill(self, box: Box, colour: tuple[int, int, int]) -> None:
        x, y, w, h = (round(side * self.scale) for side in box)
        self.image[y : y + h, x : x + w] = colour

    def stamp(
        self, mask: NDArray[np.float32], x: float, y: float, colour: tuple[int, int, int], *, raised: bool = True
    ) -> None:
        """Ink where a mask (0 to 1) lies with its corner there, in pixels; what is outside is cut off."""
        left, top = round(x), round(y)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + mask.shape[1], self.wide), min(top + mask.shape[0], self.high)
        if x1 <= x0 or y1 <= y0:
            return
        part = mask[y0 - top : y1 - top, x0 - left : x1 - left]
        there = self.image[y0:y1, x0:x1]
        there += part[..., None] * (np.array(colour, np.float32) - there)
        if raised:
            np.maximum(self.raised[y0:y1, x0:x1], part, out=self.raised[y0:y1, x0:x1])

    def disc(self, x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
        """A round spot around there, in the layout's lengths, that is printed or screwed on."""
        mask = _disc(2 * radius * self.scale)
        self.stamp(mask, x * self.scale - mask.shape[1] / 2, y * self.scale - mask.shape[0] / 2, colour, raised=False)


def _disc(wide: float) -> NDArray[np.float32]:
    """(N, N) 0 to 1: a disc so many pixels wide."""
    side = max(round(wide), 1) + 2
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, ((side - 1) * 8, (side - 1) * 8), max(round(wide * 8), 8), 255, -1, cv2.LINE_AA, 4)
    return np.asarray(mask / 255, np.float32)


def drawn(layout: Layout, faces: Faces, unread: frozenset[str], chance: np.random.Generator) -> Flat:
    """A plate of the layout with some text on it; characters that are `unread` are no part of the text."""
    read = layout.read
    chosen = read[int(chance.integers(len(read)))]
    scale = min(_LINE / max(line.box[3] for line in read), _MOST / max(layout.size))
    sheet = _Sheet(layout, _one(layout.ground, chance), scale)
    ink = _one(layout.ink, chance)
    if layout.fade:
        down = np.linspace(-0.2, 1, sheet.high, dtype=np.float32).clip(0, 1)[:, None, None]
        sheet.image += down * (np.array(_one(layout.fade, chance), np.float32) - sheet.image)
    for band in layout.bands:
        if chance.random() < band.chance:
            _band(sheet, band, faces, chance)
    shape = _within((sheet.wide, sheet.high), 0, layout.corner * sheet.scale)
    for border in layout.borders:
        if chance.random() < border.chance:
            ring = _ring(sheet, layout, border.inset, border.width)
            sheet.stamp(ring, 0, 0, _one(border.colour or (ink,), chance))
    text = ""
    for line in layout.lines:
        if line.read or chance.random() < line.chance:
            said = _line(sheet, line, faces, ink, chance)
            text = said if line is chosen else text
    for x, y in layout.rivets:
        gray = int(chance.integers(70, 240))
        sheet.disc(x, y, 0.03 * layout.size[1], (gray, gray, gray))
    text = "".join(c for c in text if c not in unread and not c.isspace())
    return Flat(sheet.image, shape, sheet.raised, _shown(sheet, layout, chosen), text)


def _one(colours: Colours, chance: np.random.Generator) -> tuple[int, int, int]:
    """One of the colours, a little older or newer than it says."""
    colour = colours[int(chance.integers(len(colours)))] + chance.normal(0, 6, 3)
    red, green, blue = np.clip(colour, 0, 255).astype(int).tolist()
    return red, green, blue


def _band(sheet: _Sheet, band: Band, faces: Faces, chance: np.random.Generator) -> None:
    sheet.fill(band.box, _one(band.colour, chance))
    x, y, w, h = band.box
    if band.stars:
        middle, radius = (x + w / 2, y + 0.3 * h), 0.3 * min(w, 0.6 * h)
        for angle in np.arange(_STARS) * 2 * np.pi / _STARS:
            sheet.disc(middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle), 0.045 * w, _STAR)
    if band.signs is not None:
        high = 0.24 * h
        line = Line((x, y + 0.68 * h, w, high), 0.55 * high, 0.12 * high, (Part(band.signs),), False, False, 1.0, ())
        _line(sheet, line, faces, (240, 240, 240), chance)


def _line(sheet: _Sheet, line: Line, faces: Faces, ink: tuple[int, int, int], chance: np.random.Generator) -> str:
    """Draw one text of the line; what stands there, from left to right."""
    ink = _one(line.ink, chance) if line.ink else ink
    x, y, w, h = (side * sheet.scale for side in line.box)
    usual = line.character * sheet.scale * chance.uniform(0.93, 1.07)
    items = _items(line, faces, usual, sheet.scale, chance)
    length = sum(wide + gap for wide, gap, _ in items) - (items[-1][1] if items else 0)
    squeezed = min(w / max(length, 1), 1.0)
    pen, text = x + (w - squeezed * length) / 2, ""
    for wide, gap, what in items:
        room = squeezed * wide
        if isinstance(what, str):
            _mark(sheet, what, (pen, y, room, h), ink, chance)
        elif what is not None:
            character, shape = what
            text += character
            if shape is None:
                sheet.stamp(scribbled((max(round(h), 2), max(round(room), 2)), chance), pen, y, ink)
            else:
                _character(sheet, shape, (pen, y, room, h), usual * squeezed, ink)
        pen += squeezed * (wide + gap)
    return text


def _items(line: Line, faces: Faces, usual: float, scale: float, chance: np.random.Generator) -> list[_Item]:
    """What stands in a line, from left to right."""
    found: list[_Item] = []
    gap, file = line.gap * scale, ""
    for part in line.parts:
        if chance.random() >= part.chance:
            continue
        if part.signs is None:
            room = part.width * scale
            if part.mark != "space":
                found.append((room, gap, part.mark))
            elif found:  # a space is the whole distance
                found[-1] = (found[-1][0], room, found[-1][2])
            continue
        known = faces[part.signs]
        if known and file not in known:
            file = known[int(chance.integers(len(known)))]
        for character in part.signs.made_up(chance):
            shape = glyph(file, character) if known else None
            if character.isspace():
                found.append((usual / 2, gap, None))
            elif line.cells or shape is None:
                found.append((usual, gap, (character, shape)))
            else:
                found.append((usual * min(shape.wide, 1.0), gap, (character, shape)))
    while found and found[-1][2] in ("dash", "dot"):  # the text behind it turned out empty
        found.pop()
    return found


def _character(
    sheet: _Sheet, shape: Glyph, place: tuple[float, float, float, float], usual: float, ink: tuple[int, int, int]
) -> None:
    """A character in the middle of its room, as high as the line, as wide as its font has it beside others."""
    x, y, w, h = place
    wide, high = min(max(shape.wide, 0.1), 1.02) * usual, max((shape.foot - shape.top) * h, 1)
    size = max(round(wide), 1), max(round(high), 1)
    mask = cv2.resize(shape.mask, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    sheet.stamp(mask, x + (w - wide) / 2, y + shape.top * h, ink)


def _mark(
    sheet: _Sheet,
    mark: str,
    place: tuple[float, float, float, float],
    ink: tuple[int, int, int],
    chance: np.random.Generator,
) -> None:
    """A dot, a dash or a seal in the middle of its room."""
    x, y, w, h = place
    middle, width, scale = y + h / 2, max(round(w), 1), sheet.scale
    if mark == "dash":
        high = max(round(0.12 * h), 1)
        sheet.stamp(np.ones((high, width), np.float32), x, middle - high / 2, ink)
    elif mark == "dot":
        disc = _disc(w)
        sheet.stamp(disc, x + w / 2 - disc.shape[1] / 2, middle - disc.shape[0] / 2, ink)
    else:
        rim, place_mm = _one(_SEAL_RIM, chance), ((x + w / 2) / scale, (y + h * chance.uniform(0.35, 0.65)) / scale)
        for share, colour in ((1, rim), (0.8, _one(((215, 220, 220), (225, 205, 150)), chance)), (0.45, rim)):
            sheet.disc(*place_mm, share * w / 2 / scale, colour)


def _ring(sheet: _Sheet, layout: Layout, inset: float, width: float) -> NDArray[np.float32]:
    size, radius = (sheet.wide, sheet.high), layout.corner * sheet.scale
    outer, inner = inset * sheet.scale, (inset + width) * sheet.scale
    return _within(size, outer, max(radius - outer, 0)) - _within(size, inner, max(radius - inner, 0))


@functools.lru_cache(maxsize=64)  # a layout's are the same every time
def _within(size: tuple[int, int], inset: float, radius: float) -> NDArray[np.float32]:
    """(H, W) 0 to 1: what lies so far within a sheet's edge, corners rounded, in pixels."""
    wide, high = size
    x = np.abs(np.arange(wide, dtype=np.float32) + 0.5 - wide / 2)[None]
    y = np.abs(np.arange(high, dtype=np.float32) + 0.5 - high / 2)[:, None]
    over_x, over_y = x - (wide / 2 - inset - radius), y - (high / 2 - inset - radius)
    beyond = np.hypot(over_x.clip(0), over_y.clip(0)) + np.minimum(np.maximum(over_x, over_y), 0) - radius
    share: NDArray[np.float32] = (0.5 - beyond).clip(0, 1)
    return share


def _shown(sheet: _Sheet, layout: Layout, chosen: Line) -> Box:
    """The whole plate; of one with several lines that are read, the one, as a finder of lines cuts it out."""
    if len(layout.read) == 1:
        return 0.0, 0.0, float(sheet.wide), float(sheet.high)
    _, y, _, h = (side * sheet.scale for side in chosen.box)
    room = 0.14 * h
    top, foot = max(y - room, 0), min(y + h + room, sheet.high)
    return 0.0, top, float(sheet.wide), foot - top
