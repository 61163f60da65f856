"""A picture as programs have it, as a uint8 BGR array: what OpenCV or Pillow made, or a file's bytes or path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from .depth import to_bgr
from .read import decode_image, read_image, upright

__all__ = ["Picture", "picture_of"]


class PillowImage(Protocol):
    """What is asked of a Pillow image; Pillow itself need not be installed."""

    @property
    def mode(self) -> str:
        """Its channels, such as RGB or LA."""

    @property
    def info(self) -> Mapping[Any, Any]:
        """What its file said besides, such as which colour is transparent."""

    def getexif(self) -> Any:
        """Its EXIF by the tags' numbers."""

    def convert(self, mode: str) -> Any:
        """The same in another mode."""


Picture = NDArray[Any] | PillowImage | bytes | bytearray | memoryview | str | os.PathLike[str]
_ORIENTATION = 0x112


def picture_of(image: Picture) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR: a gray array gets three channels, of one with opacity what cannot be seen becomes gray."""
    if isinstance(image, str | os.PathLike):
        return read_image(os.fspath(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return decode_image(bytes(image), "image")
    if not isinstance(image, np.ndarray) and type(image).__module__.partition(".")[0] == "PIL":
        return _of_pillow(image)
    if not isinstance(image, np.ndarray):
        raise ImageError(f"image: a {type(image).__name__} is no picture: give an array, a PIL image, bytes or a path")
    channels = image.shape[2] if image.ndim == 3 else 1 if image.ndim == 2 else 0
    if image.dtype != np.uint8 or channels not in (1, 3, 4) or 0 in image.shape:
        raise ImageError(
            f"image: must be a uint8 BGR array of shape (H, W, 3), or (H, W), (H, W, 1) or (H, W, 4) with opacity, not"
            f" {image.dtype} {image.shape}"
        )
    return image if channels == 3 else _as_bgr(image)


def _as_bgr(raw: NDArray[Any]) -> NDArray[np.uint8]:
    return to_bgr(raw, "straight" if raw.ndim == 3 and raw.shape[2] == 4 else "")[0]


def _of_pillow(image: PillowImage) -> NDArray[np.uint8]:
    """Upright, as a file of the same picture would be read; what is lazily loaded may turn out damaged here."""
    try:
        orientation = int(image.getexif().get(_ORIENTATION, 1))
        if image.mode.startswith("I") or image.mode == "F":
            bgr = _as_bgr(_deep_gray(np.asarray(image)))
        elif "A" in image.mode or "a" in image.mode or "transparency" in image.info:
            bgr = _as_bgr(np.asarray(image.convert("RGBA"))[..., [2, 1, 0, 3]])
        else:
            bgr = np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])
    except (OSError, ValueError, TypeError, SyntaxError) as error:
        raise ImageError(f"image: Pillow cannot load it ({' '.join(str(error).split())[:120]})") from None
    if 0 in bgr.shape:
        raise ImageError("image: has no pixels")
    return upright(bgr, orientation if 1 <= orientation <= 8 else 1)


def _deep_gray(values: NDArray[Any]) -> NDArray[Any]:
    """Pillow's mode I has 32 bits a sample, which are filled with bytes or with what 16-bit files hold."""
    if values.dtype.kind not in "iu" or values.itemsize < 4:
        return values
    short = values.clip(0, 65535)
    return short.astype(np.uint8 if short.max(initial=0) <= 255 else np.uint16)
