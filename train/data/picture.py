"""Which picture a network looks at: its size and colour, from what was asked and what the data looks like."""

from __future__ import annotations

import numpy as np

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import ImageError, UsageError
from edgelens.runtime.preprocess import COLORS, RESIZES, Color, PixelContract

from ..models.catalog import NETWORKS

__all__ = ["choose_pixels"]

_PHOTO = 96  # pixels a side for photos: what a Raspberry Pi recognizes in milliseconds
_LOOKED_AT = 24  # images


def choose_pixels(
    images: ImageSet, model: str, size: tuple[int, int] | None = None, color: str | None = None, resize: str = "crop"
) -> PixelContract:
    """The pictures' own size where they are small and alike, else 96 × 96; gray where no colour was seen.

    What is smaller than the network takes is enlarged; the data check says so of pictures that are far too small.
    """
    if resize not in RESIZES:
        raise UsageError(f"--resize {resize}: must be one of {', '.join(RESIZES)}")
    if color not in (None, *COLORS):
        raise UsageError(f"--color {color}: must be one of {', '.join(COLORS)}")
    gray = color == "gray"
    if size is None or color is None:
        seen_size, seen_gray = _look(images)
        least = NETWORKS[model].min_side if model in NETWORKS else 1
        size = size or (max(seen_size[0], least), max(seen_size[1], least))
        gray = gray or (color is None and seen_gray)
    chosen: Color = "gray" if gray else color or "rgb"
    return PixelContract(*size, chosen, resize)


def _look(images: ImageSet) -> tuple[tuple[int, int], bool]:
    """The size and greyness of some images, spread over the set."""
    sizes: list[tuple[int, int]] = []
    colours = False
    for i in np.unique(np.linspace(0, len(images) - 1, _LOOKED_AT).astype(int)):
        try:
            image = images.image(int(i))
        except ImageError:
            continue
        sizes.append((int(image.shape[0]), int(image.shape[1])))
        colours = colours or bool((image != image[..., :1]).any())
    gray = bool(sizes) and not colours
    if len(set(sizes)) == 1 and max(sizes[0]) <= _PHOTO:
        return sizes[0], gray
    short = int(np.median([min(size) for size in sizes])) if sizes else _PHOTO
    side = min(_PHOTO, max(8, short // 8 * 8))
    return (side, side), gray
