"""What was seen, drawn onto a copy of a picture as its task draws it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..recognitions import Recognitions
from .canvas import Canvas
from .catalog import task_of

__all__ = ["drawn_on"]

View = tuple[int, int, int, int]


def drawn_on(image: NDArray[np.uint8], seen: Recognitions, view: View | None = None) -> NDArray[np.uint8]:
    """A copy of a picture (H, W, 3) with what is in it, and a frame around the part that reached the network."""
    canvas = Canvas.of(image)
    if view is not None and view[2:] != (image.shape[1], image.shape[0]):
        canvas.frame(view)
    task_of(seen.task).draw(canvas, seen)
    return canvas.image
