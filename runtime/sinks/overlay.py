"""What was seen, drawn onto a copy of the frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..result import Result
from ..tasks.drawing import drawn_on

__all__ = ["drawn"]


def drawn(result: Result) -> NDArray[np.uint8]:
    """A copy of the frame with what its task draws, and a frame around what reached the network."""
    return drawn_on(result.frame.image, result.seen, result.view)
