"""A picture to draw on: text and boxes that can be read at any resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images.lettering import drawable
from ..recognitions import UNKNOWN_ID
from .captions import places_for

__all__ = ["Canvas", "Color", "color_of"]

LEAST_SIDE = 320  # smaller pictures are enlarged, text cannot be read in them
FONT = cv2.FONT_HERSHEY_SIMPLEX
_TINT = 0.4  # how much of what lies under a mask is its colour
_FAR = 16_384  # pixels from the corner: what a network says of places beyond is not drawn, nor could OpenCV count it
LEAST_LINE = 11  # pixels of a line that can be read
_CAPTIONS = 0.12  # of the picture is covered by what is said of its boxes, at most
FONT_PIXELS = 22  # the font's height at scale 1

Color = tuple[int, int, int]  # BGR


@dataclass(frozen=True)
class Canvas:
    """A copy of a frame, enlarged where it is tiny; what is drawn is given in the frame's own pixels."""

    image: NDArray[np.uint8]
    enlarged: int
    line: int  # a line of text in pixels

    @classmethod
    def of(cls, source: NDArray[np.uint8]) -> Canvas:
        """A copy of a picture (H, W, 3), large enough for text."""
        small = min(source.shape[:2]) < LEAST_SIDE // 2
        enlarged = max(-(-LEAST_SIDE // min(source.shape[:2])), 1) if small else 1
        if max(source.shape[:2]) * enlarged > 4096:
            enlarged = 1
        image = np.array(np.repeat(np.repeat(source, enlarged, 0), enlarged, 1) if enlarged > 1 else source)
        return cls.on(image, enlarged)

    @classmethod
    def on(cls, image: NDArray[np.uint8], enlarged: int) -> Canvas:
        """A picture itself, which was enlarged so many times."""
        return cls(image, enlarged, max(round(min(image.shape[:2]) / 28), LEAST_LINE))

    def frame(self, view: tuple[int, int, int, int]) -> None:
        """A light frame with a dark edge around x, y, w, h."""
        x, y, w, h = (value * self.enlarged for value in view)
        thick = max(self.line // 12, 1)
        for color, width in (((0, 0, 0), thick + 2), ((255, 255, 255), thick)):
            cv2.rectangle(self.image, (x, y), (x + w - 1, y + h - 1), color, width)

    def box(self, box: NDArray[np.float32], color: Color) -> None:
        """A box x, y, w, h."""
        x, y, w, h = (round(float(value) * self.enlarged) for value in box)
        cv2.rectangle(self.image, (x, y), (x + w, y + h), color, max(self.line // 8, 1))

    def captions(self, said: Sequence[tuple[NDArray[np.float32], str, Color]]) -> None:
        """What is said of boxes x, y, w, h beside them, the most important first and on top."""
        if not said:
            return
        lines = self._crowded([text for _, text, _ in said])
        boxes = np.array([box for box, _, _ in said], np.float64) * self.enlarged
        places = places_for(boxes, [line.size for line in lines], (self.image.shape[1], self.image.shape[0]))
        for line, place, (_, _, color) in reversed(list(zip(lines, places, said, strict=True))):
            self._write(line, place, color)

    def headline(self, row: int, text: str, color: Color) -> None:
        """A line of text at the top left; the first one is larger than those under it."""
        size = self.line * 3 // 2 if row == 0 else self.line
        top = self.line // 2 + (row * self.line * 3 // 2 + (self.line if row else 0))
        self._text(text, self.line // 2, top, size, color)

    def polygon(self, points: NDArray[np.float64], color: Color, *, closed: bool) -> None:
        """Straight lines through points (P, 2), back to the first where it is closed; with a dark edge."""
        places = [np.round(points * self.enlarged).astype(np.int32)]
        thick = max(self.line // 8, 1)
        for ink, width in (((0, 0, 0), thick + 2), (color, thick)):
            cv2.polylines(self.image, places, closed, ink, width, cv2.LINE_AA)

    def note(self, place: NDArray[np.float64], text: str, color: Color) -> None:
        """A line of text at a place."""
        x, y = (round(float(value) * self.enlarged) for value in place)
        self._text(text, x, y, self.line, color)

    def point(self, x: float, y: float, color: Color) -> None:
        """A dot."""
        place = self._places(np.array([x, y], np.float32)).tolist()
        cv2.circle(self.image, place, max(self.line // 6, 2), color, cv2.FILLED, cv2.LINE_AA)

    def limb(self, one: NDArray[np.float32], other: NDArray[np.float32], color: Color) -> None:
        """A line between two points."""
        start, end = (self._places(point).tolist() for point in (one, other))
        cv2.line(self.image, start, end, color, max(self.line // 10, 1), cv2.LINE_AA)

    def outline(self, points: NDArray[np.float32], color: Color) -> None:
        """A closed line through points (N, 2)."""
        cv2.polylines(self.image, [self._places(points)], True, color, max(self.line // 8, 1), cv2.LINE_AA)

    def veil(self, outlines: Sequence[NDArray[np.float32]], color: Color) -> None:
        """What lies inside outlines, tinted, with their lines around it."""
        places = [self._places(points) for points in outlines]
        if not places:
            return
        low, high = np.concatenate(places).min(axis=0), np.concatenate(places).max(axis=0)
        x0, y0 = np.maximum(low, 0)
        part = self.image[y0 : high[1] + 1, x0 : high[0] + 1]
        if not part.size:
            return
        tinted = part.copy()
        cv2.fillPoly(tinted, places, color, offset=(-int(x0), -int(y0)))
        part[:] = cv2.addWeighted(tinted, _TINT, part, 1 - _TINT, 0)
        for each in outlines:
            self.outline(each, color)

    def _places(self, points: NDArray[np.float32]) -> NDArray[np.int32]:
        return np.clip(np.rint(np.asarray(points) * self.enlarged), -_FAR, _FAR).astype(np.int32)

    def _text(self, text: str, x: int, y: int, height: int, background: Color) -> None:
        """Text on a filled box whose top left is at x, y, moved and shrunk so that it stays inside the picture."""
        line, (rows, columns) = self._line(text, height), self.image.shape[:2]
        x = int(np.clip(x, 0, max(columns - line.size[0], 0)))
        y = int(np.clip(y, 0, max(rows - line.size[1], 0)))
        self._write(line, (x, y), background)

    def _crowded(self, texts: Sequence[str]) -> list[_Line]:
        """Lines of text of one height: smaller where there are so many that they would hide the picture."""
        lines = [self._line(text, self.line) for text in texts]
        covered = sum(line.size[0] * line.size[1] for line in lines) / (self.image.shape[0] * self.image.shape[1])
        height = max(round(self.line * (_CAPTIONS / covered) ** 0.5), LEAST_LINE)
        return [self._line(text, height) for text in texts] if height < self.line else lines

    def _line(self, text: str, height: int) -> _Line:
        """A line of text, shrunk so that it is no wider than the picture."""
        plain = drawable(text)
        scale, thick = height / FONT_PIXELS, max(round(height / 14), 1)
        (width, tall), below = cv2.getTextSize(plain, FONT, scale, thick)
        room = self.image.shape[1] - 4
        if width > room > 0:
            scale *= room / width
            (width, tall), below = cv2.getTextSize(plain, FONT, scale, thick)
        margin = max(height // 5, 2)
        return _Line(plain, scale, thick, margin, tall, (width + 2 * margin, tall + below + 2 * margin))

    def _write(self, line: _Line, place: tuple[int, int], background: Color) -> None:
        """A line of text on a filled box whose top left is at a place."""
        (x, y), (width, height) = place, line.size
        cv2.rectangle(self.image, place, (x + width, y + height), background, cv2.FILLED)
        light = 0.114 * background[0] + 0.587 * background[1] + 0.299 * background[2] > 140
        ink = (0, 0, 0) if light else (255, 255, 255)
        start = (x + line.margin, y + line.margin + line.tall)
        cv2.putText(self.image, line.text, start, FONT, line.scale, ink, line.thick, cv2.LINE_AA)


@dataclass(frozen=True)
class _Line:
    """A line of text as it is written: how, and the width and height of the box that it fills."""

    text: str
    scale: float
    thick: int
    margin: int
    tall: int  # from its top to the line that it stands on
    size: tuple[int, int]


def color_of(label_id: int) -> Color:
    """A colour for a label, the same one always and far from its neighbours'."""
    if label_id == UNKNOWN_ID:
        return (160, 160, 160)
    hue = int(label_id * 0.618034 % 1 * 180)
    pixel = np.array([[[hue, 200, 255 - 40 * (label_id % 3)]]], np.uint8)
    blue, green, red = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0]
    return int(blue), int(green), int(red)
