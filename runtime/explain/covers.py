"""Squares that cover a picture one after the other (Zeiler & Fergus, 2014), and the heat that the losses make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cover", "covered", "covers", "heat_of"]

Cover = tuple[slice, slice]  # rows and columns

SIDE, STEP = 0.25, 0.5  # a cover's side, of the picture's shorter one; its steps, of itself


def covers(height: int, width: int, side: float = SIDE, step: float = STEP) -> list[Cover]:
    """Squares that together touch every pixel."""
    pixels = max(1, round(side * min(height, width)))
    stride = max(1, round(pixels * step))
    return [
        (slice(top, top + pixels), slice(left, left + pixels))
        for top in _starts(height, pixels, stride)
        for left in _starts(width, pixels, stride)
    ]


def covered(picture: NDArray[np.uint8], cover: Cover) -> NDArray[np.uint8]:
    """A picture (H, W, C) with a place in its own mean colour, which says least."""
    hidden = picture.copy()
    hidden[cover] = np.rint(picture.mean(axis=(0, 1))).astype(np.uint8)
    return hidden


def heat_of(losses: Sequence[float], places: Sequence[Cover], height: int, width: int) -> NDArray[np.float32]:
    """(H, W): the mean of what was lost under all covers that lie on a place."""
    heat, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for lost, place in zip(losses, places, strict=True):
        heat[place] += lost
        count[place] += 1
    return np.asarray(heat / count, np.float32)


def _starts(length: int, side: int, step: int) -> list[int]:
    last = max(length - side, 0)
    return sorted({*range(0, last + 1, step), last})
