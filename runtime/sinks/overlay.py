"""What was seen, drawn onto a copy of the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..result import Result
from ..tasks.canvas import Canvas
from ..tasks.catalog import task_of

__all__ = ["drawn"]


def drawn(result: Result) -> NDArray[np.uint8]:
    """A copy of the frame with what its task draws, and a frame around what reached the network."""
    source = result.frame.image
    canvas = Canvas.of(source)
    if result.view is not None and result.view[2:] != (source.shape[1], source.shape[0]):
        canvas.frame(result.view)
    task_of(result.seen.task).draw(canvas, result.seen)
    return canvas.image
