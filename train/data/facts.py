"""What the check before training wants to know of every image, taken while it is decoded anyway."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.preprocess import PixelContract, fit_frame

__all__ = ["FACTS", "THUMB", "facts_of"]

THUMB = 16
FACTS = np.dtype([("height", "i4"), ("width", "i4"), ("missing", "f4"), ("thumb", "u1", (THUMB, THUMB + 1))])
_LOOKED_AT = 128  # pixels of the shorter side, which the thumbnail's are the mean of
_THUMBNAIL = PixelContract(THUMB, THUMB + 1, "gray", "stretch")


def facts_of(image: NDArray[np.uint8], size: tuple[int, ...], missing: float = 0.0) -> NDArray[np.void]:
    """The original's height and width, the share of it that was missing, and a tiny gray thumbnail (BGR in)."""
    facts = np.zeros((), FACTS)
    facts["height"], facts["width"], facts["missing"] = size[0], size[1], missing
    step = max(1, min(image.shape[:2]) // _LOOKED_AT)
    facts["thumb"] = fit_frame(np.ascontiguousarray(image[::step, ::step]), _THUMBNAIL)[0][..., 0]
    return facts
