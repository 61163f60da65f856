"""Frames as PNG files small enough to travel: what a bundle's golden data is made of."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import WorkError

__all__ = ["LONGEST_SIDE", "encode_png", "made_smaller"]

LONGEST_SIDE = 480  # pixels of a golden frame


def made_smaller(frame: NDArray[np.uint8], longest: int = LONGEST_SIDE) -> NDArray[np.uint8]:
    """A frame (H, W, 3) no longer on either side than this; smaller ones as they are."""
    if max(frame.shape[:2]) <= longest:
        return frame
    share = longest / max(frame.shape[:2])
    size = (max(round(frame.shape[1] * share), 1), max(round(frame.shape[0] * share), 1))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode_png(frame: NDArray[np.uint8]) -> bytes:
    """A BGR frame as PNG, gray where its channels are equal."""
    gray = frame.ndim == 3 and (frame[..., 0] == frame[..., 1]).all() and (frame[..., 1] == frame[..., 2]).all()
    done, data = cv2.imencode(".png", frame[..., 0] if gray else frame, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise WorkError("a golden frame could not be encoded as PNG")
    return bytes(data.tobytes())
