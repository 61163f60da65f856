"""What was seen, drawn onto a frame so that it can be read at any resolution."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray

from ..recognitions import UNKNOWN_ID
from ..result import Result

__all__ = ["drawn"]

LEAST_SIDE = 320  # smaller pictures are enlarged, text cannot be read in them
LINES = 3  # of a classifier's labels
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_PIXELS = 22  # the font's height at scale 1

Color = tuple[int, int, int]  # BGR


def drawn(result: Result) -> NDArray[np.uint8]:
    """A copy of the frame with boxes or labels, and a frame around what reached the network."""
    source = result.frame.image
    enlarged = max(-(-LEAST_SIDE // min(source.shape[:2])), 1) if min(source.shape[:2]) < LEAST_SIDE // 2 else 1
    if max(source.shape[:2]) * enlarged > 4096:
        enlarged = 1
    image = np.array(np.repeat(np.repeat(source, enlarged, 0), enlarged, 1) if enlarged > 1 else source)
    line = max(round(min(image.shape[:2]) / 28), 11)  # a line of text in pixels
    if result.view is not None and result.view[2:] != (source.shape[1], source.shape[0]):
        _draw_view(image, result.view, enlarged, line)
    if result.seen.boxes is None:
        _draw_lines(image, result, line)
    else:
        _draw_boxes(image, result, enlarged, line)
    return image


def color_of(label_id: int) -> Color:
    """A colour for a label, the same one always and far from its neighbours'."""
    if label_id == UNKNOWN_ID:
        return (160, 160, 160)
    hue = int(label_id * 0.618034 % 1 * 180)
    pixel = np.array([[[hue, 200, 255 - 40 * (label_id % 3)]]], np.uint8)
    blue, green, red = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0]
    return int(blue), int(green), int(red)


def _draw_view(image: NDArray[np.uint8], view: tuple[int, int, int, int], enlarged: int, line: int) -> None:
    x, y, w, h = (value * enlarged for value in view)
    thick = max(line // 12, 1)
    for color, width in (((0, 0, 0), thick + 2), ((255, 255, 255), thick)):
        cv2.rectangle(image, (x, y), (x + w - 1, y + h - 1), color, width)


def _draw_boxes(image: NDArray[np.uint8], result: Result, enlarged: int, line: int) -> None:
    seen = result.seen
    assert seen.boxes is not None
    for row in reversed(range(len(seen))):  # the best on top
        x, y, w, h = (round(float(value) * enlarged) for value in seen.boxes[row])
        color = color_of(int(seen.ids[row]))
        cv2.rectangle(image, (x, y), (x + w, y + h), color, max(line // 8, 1))
        _draw_text(image, f"{seen.label(row)} {seen.scores[row]:.2f}", x, y - line * 3 // 2, line, color)


def _draw_lines(image: NDArray[np.uint8], result: Result, line: int) -> None:
    for row in range(min(len(result.seen), LINES)):
        size = line * 3 // 2 if row == 0 else line
        top = line // 2 + (row * line * 3 // 2 + (line if row else 0))
        text = f"{result.seen.label(row)} {result.seen.scores[row]:.2f}"
        _draw_text(image, text, line // 2, top, size, color_of(int(result.seen.ids[row])))


def _draw_text(image: NDArray[np.uint8], text: str, x: int, y: int, height: int, background: Color) -> None:
    """Text on a filled box whose top left is at x, y, moved and shrunk so that it stays inside the picture."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in _ascii(text))
    scale, thick = height / FONT_PIXELS, max(round(height / 14), 1)
    (width, tall), below = cv2.getTextSize(plain, FONT, scale, thick)
    room = image.shape[1] - 4
    if width > room > 0:
        scale *= room / width
        (width, tall), below = cv2.getTextSize(plain, FONT, scale, thick)
    margin = max(height // 5, 2)
    x = int(np.clip(x, 0, max(image.shape[1] - width - 2 * margin, 0)))
    y = int(np.clip(y, 0, max(image.shape[0] - tall - below - 2 * margin, 0)))
    corner = (x + width + 2 * margin, y + tall + below + 2 * margin)
    cv2.rectangle(image, (x, y), corner, background, cv2.FILLED)
    light = 0.114 * background[0] + 0.587 * background[1] + 0.299 * background[2] > 140
    ink = (0, 0, 0) if light else (255, 255, 255)
    cv2.putText(image, plain, (x + margin, y + margin + tall), FONT, scale, ink, thick, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """Letters without their accents: OpenCV's fonts have no others."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c))
