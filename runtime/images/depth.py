"""Decoded samples of any depth and number of channels as uint8 BGR, laid over gray where they are transparent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISSING_GRAY", "to_bgr"]

MISSING_GRAY = 128  # zero to a network of the kit, and as far from black as from white
_STRIP = 256  # rows at a time: a large picture's floats must not be in memory several times over


def to_bgr(raw: NDArray[Any], alpha: str, white: int = 0) -> tuple[NDArray[np.uint8], float]:
    """(H, W, 3) from OpenCV's (H, W) or (H, W, C), and the share of pixels that are fully transparent.

    `alpha` is "straight" or "premultiplied" where the last channel is opacity. Transparent pixels become gray, others
    let as much of it through as they are transparent. `white` is the sample that becomes 255, where that is known.
    """
    pixels = raw[..., None] if raw.ndim == 2 else raw
    height, width, channels = pixels.shape
    low, scale = (0.0, 255 / white) if white else _range(pixels[..., :3] if channels >= 3 else pixels[..., :1])
    out = np.empty((height, width, 3), np.uint8)
    holes = 0
    for top in range(0, height, _STRIP):
        strip = pixels[top : top + _STRIP]
        shown = strip[..., :3] if channels >= 3 else strip[..., :1]
        if channels == 4 and alpha == "premultiplied":
            shown = _straightened(strip)
        out[top : top + _STRIP] = shown if scale == 1 and shown.dtype == np.uint8 else _bytes(shown, low, scale)
        if channels in (2, 4) and alpha:
            opacity = strip[..., -1]
            _lay_over_gray(out[top : top + _STRIP], opacity)
            holes += int((opacity == 0).sum())
    return out, holes / max(height * width, 1)


def _lay_over_gray(shown: NDArray[np.uint8], opacity: NDArray[Any]) -> None:
    """Mix gray into the pixels of (H, W, 3) that are not opaque: edges, shadows and glass look as viewers show them."""
    white = _white(opacity.dtype)
    seen_through = opacity < white
    share = opacity[seen_through, None].astype(np.float32) / np.float32(white)
    mixed = MISSING_GRAY + share * (shown[seen_through] - np.float32(MISSING_GRAY))
    shown[seen_through] = np.nan_to_num(mixed, nan=MISSING_GRAY).round().clip(0, 255)


def _straightened(strip: NDArray[Any]) -> NDArray[Any]:
    """Colours divided by their opacity, in the type they came in."""
    white = _white(strip.dtype)
    opacity = strip[..., 3:].astype(np.float32) / np.float32(white)
    straight = np.minimum(strip[..., :3] / np.maximum(opacity, 1e-6), white)
    return np.asarray(straight if strip.dtype.kind == "f" else np.rint(straight), strip.dtype)


def _range(values: NDArray[Any]) -> tuple[float, float]:
    """What becomes 0, and the factor that makes 255 of white.

    Integers span their type, or 12 or 10 bits where a gray sensor left the upper ones empty; floats 1 or 255 or, past
    that, their own range.
    """
    if values.dtype == np.uint8:
        return 0.0, 1.0
    if values.dtype.kind != "f":
        white = _white(values.dtype)
        if values.shape[2] == 1:
            top = float(values.max(initial=0))
            white = next((depth for depth in (1023.0, 4095.0) if 255 < top <= depth), white)
        return 0.0, 255 / white
    low, high = np.inf, -np.inf
    for top_row in range(0, len(values), _STRIP):
        strip = values[top_row : top_row + _STRIP]
        known = strip[np.isfinite(strip)]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    if low < 0 or high > 255:
        return (low, 255 / max(high - low, 1e-12)) if np.isfinite(high - low) else (0.0, 1.0)
    return 0.0, 255.0 if high <= 1 else 1.0


def _bytes(values: NDArray[Any], low: float, scale: float) -> NDArray[np.uint8]:
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(scale)
    return np.asarray(np.nan_to_num(scaled, nan=MISSING_GRAY).round().clip(0, 255), np.uint8)


def _white(dtype: np.dtype[Any]) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
