"""Heat laid over the picture it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images.lettering import drawable
from ..preprocess import Placement
from .explanation import Explanation, Part, Similar

__all__ = ["drawn", "framed", "heat_in_frame", "overlaid", "sheet", "side_by_side"]

_CAPTION = 26  # pixels
_CELL, _ACROSS, _GAP = 240, 4, 6
_NO_PICTURE = 200


def heat_in_frame(heat: NDArray[Any], placement: Placement) -> NDArray[np.float32]:
    """Heat (H, W) of the network's picture as heat of the frame it was cut from; 0 where the network saw nothing."""
    x, y, w, h = placement.view
    left, top = int(placement.offset_x), int(placement.offset_y)
    right, bottom = left + round(w * placement.scale_x), top + round(h * placement.scale_y)
    inside = np.ascontiguousarray(heat[top:bottom, left:right], np.float32)
    frame = np.zeros((placement.frame_height, placement.frame_width), np.float32)
    frame[y : y + h, x : x + w] = cv2.resize(inside, (w, h), interpolation=cv2.INTER_LINEAR)
    return frame


def overlaid(image: NDArray[np.uint8], heat: NDArray[Any]) -> NDArray[np.uint8]:
    """An image (H, W, 3) BGR with its heat (H, W) in colour: the hotter, the less of the image shines through.

    Heat of both signs is shown in two colours, red for the class and blue against it.
    """
    largest = float(np.abs(heat).max()) or 1.0
    strength = np.abs(heat) / largest
    if heat.min() < 0:
        colour = np.where((heat < 0)[..., None], (255, 80, 0), (0, 40, 255)).astype(np.float64)
    else:
        colour = cv2.applyColorMap(np.rint(strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO).astype(np.float64)
    opacity = 0.65 * np.sqrt(strength)[..., None]
    dimmed = image * (0.75 + 0.25 * strength[..., None])
    return np.asarray(np.rint(dimmed * (1 - opacity) + colour * opacity).clip(0, 255), np.uint8)


def framed(image: NDArray[np.uint8], boxes: Sequence[Sequence[float]]) -> NDArray[np.uint8]:
    """The image with boxes x, y, w, h drawn into a copy of it, in lines that stay visible when it is made small."""
    drawn, wide = image.copy(), max(1, round(max(image.shape[:2]) / 200))
    for x, y, w, h in boxes:
        cv2.rectangle(drawn, (round(x), round(y)), (round(x + w), round(y + h)), (80, 220, 60), wide)
    return drawn


def side_by_side(image: NDArray[np.uint8], heat: NDArray[Any], caption: str, side: int = 480) -> NDArray[np.uint8]:
    """The image and the image under its heat, brought to a size that can be looked at, with a line below."""
    large = _brought_to(image, side)
    gap = np.full((len(large), _GAP, 3), 255, np.uint8)
    return _captioned(np.concatenate([large, gap, _heated(large, heat)], axis=1), caption)


def sheet(cells: Sequence[tuple[NDArray[np.uint8], NDArray[Any] | None, str]]) -> NDArray[np.uint8]:
    """Images, each under its heat if it has one and above its caption, a few in a row."""
    drawn = []
    for image, heat, caption in cells:
        small = _brought_to(image, _CELL)
        drawn.append(_captioned(small if heat is None else _heated(small, heat), caption))
    rows = [drawn[start : start + _ACROSS] for start in range(0, len(drawn), _ACROSS)]
    heights = [max(len(cell) for cell in row) + _GAP for row in rows]
    page = np.full((sum(heights), (_CELL + _GAP) * min(_ACROSS, len(drawn)), 3), 255, np.uint8)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            left = column * (_CELL + _GAP)
            page[top : top + len(cell), left : left + cell.shape[1]] = cell
        top += height
    return page


def drawn(found: Explanation, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An explanation: the one map large, or a sheet of the parts and of the pictures that are most alike."""
    whole, boxed = found.whole, _boxed(image, found.parts)
    if len(found.parts) == 1 and not found.similar:
        said = "" if found.said == found.label else f" (said: {found.said} {found.said_score:.2f})"
        return side_by_side(boxed, whole.heat, f"{found.label} {found.score:.2f}{said}   {found.method}")
    parts = found.parts if len(found.parts) > 1 else ()
    return sheet(
        [
            (boxed, None, f"said: {found.said}"),
            (boxed, whole.heat, f"{found.label} {found.score:.2f}"),
            *((_boxed(image, [part]), part.heat, f"{part.label} {part.score:.2f}") for part in parts),
            *((_shown(other), None, f"{other.name} {other.score:.2f}") for other in found.similar),
        ]
    )


def _boxed(image: NDArray[np.uint8], parts: Sequence[Part]) -> NDArray[np.uint8]:
    """The image with the boxes of those parts that have one."""
    return framed(image, [part.box for part in parts if part.box is not None])


def _shown(other: Similar) -> NDArray[np.uint8]:
    """Its picture; a plain gray one where none was kept."""
    return np.full((_CELL, _CELL, 3), _NO_PICTURE, np.uint8) if other.picture is None else other.picture


def _heated(image: NDArray[np.uint8], heat: NDArray[Any]) -> NDArray[np.uint8]:
    """The image under heat of another size."""
    hot = cv2.resize(np.asarray(heat, np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return overlaid(image, hot)


def _captioned(image: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    """The image above a line of text."""
    strip = np.full((_CAPTION, image.shape[1], 3), 255, np.uint8)
    place = (6, _CAPTION - 9)
    cv2.putText(strip, drawable(caption), place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return np.asarray(np.concatenate([image, strip]), np.uint8)


def _brought_to(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image with a longer side of so many pixels."""
    scale = side / max(image.shape[:2])
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale >= 4 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
