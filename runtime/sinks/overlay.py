"""What was seen, drawn onto a copy of the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..result import Result
from ..tasks.drawing import drawn_on

__all__ = ["drawn"]


def drawn(result: Result) -> NDArray[np.uint8]:
    """A copy of the frame with what its task draws, a frame around what reached the network, and lines and zones."""
    image = drawn_on(result.frame.image, result.seen, result.view)
    if not result.watched:
        return image
    from ..tasks.canvas import Canvas
    from ..zones.drawing import draw_places

    enlarged = max(image.shape[0] // result.frame.size[0], 1)
    draw_places(Canvas.on(image, enlarged), result.watched, result.frame.size)
    return image
