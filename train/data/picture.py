"""Which picture a network looks at: its size and colour, from what was asked and what the data looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import ImageError, UsageError
from edgelens.runtime.preprocess import COLORS, RESIZES, Color, PixelContract

from ..models.catalog import NETWORKS

__all__ = ["Seen", "choose_pixels", "look"]

_SMALL = 96  # pixels a side up to which pictures that are all alike are looked at as they are
_LOOKED_AT = 24  # images


def choose_pixels(
    images: ImageSet,
    model: str,
    size: tuple[int, int] | None = None,
    color: str | None = None,
    resize: str = "crop",
    *,
    photo: tuple[int, int] | None = None,
) -> PixelContract:
    """The pictures' own size where they are small and alike, else what suits the network; gray without colour.

    What is smaller than the network takes is enlarged; the data check says so of pictures that are far too small.
    `photo` are the pixels a side at least and at most that photos are given, where it is not the network that says so.
    """
    if resize not in RESIZES:
        raise UsageError(f"--resize {resize}: must be one of {', '.join(RESIZES)}")
    if color not in (None, *COLORS):
        raise UsageError(f"--color {color}: must be one of {', '.join(COLORS)}")
    gray = color == "gray"
    if size is None or color is None:
        seen = look(images)
        seen_gray = not seen.colour
        size = size or _size(seen, model, photo)
        gray = gray or (color is None and seen_gray)
    chosen: Color = "gray" if gray else color or "rgb"
    return PixelContract(*size, chosen, resize)


@dataclass(frozen=True)
class Seen:
    """What some images of a set look like."""

    sizes: tuple[tuple[int, int], ...]  # height, width
    colour: bool

    @property
    def short(self) -> int:
        """The shorter side of the one in the middle; 0 where none could be read."""
        return int(np.median([min(size) for size in self.sizes])) if self.sizes else 0

    @property
    def small_and_alike(self) -> bool:
        """Whether all are of one size that can be looked at as it is."""
        return len(set(self.sizes)) == 1 and max(self.sizes[0]) <= _SMALL


def look(images: ImageSet) -> Seen:
    """Look at some images, spread over the set."""
    sizes: list[tuple[int, int]] = []
    colours = False
    for i in np.unique(np.linspace(0, len(images) - 1, _LOOKED_AT).astype(int)):
        try:
            image = images.image(int(i))
        except ImageError:
            continue
        sizes.append((int(image.shape[0]), int(image.shape[1])))
        colours = colours or bool((image != image[..., :1]).any())
    return Seen(tuple(sizes), colours or not sizes)


def _size(seen: Seen, model: str, photo: tuple[int, int] | None) -> tuple[int, int]:
    entry = NETWORKS.get(model)
    low, high = photo or (entry.photo if entry else (1, _SMALL))
    low = max(low, entry.min_side if entry else 1)
    if seen.small_and_alike:
        height, width = seen.sizes[0]
        return max(height, low), max(width, low)
    step = 32 if high > _SMALL else 8
    side = min(high, max(low, step, seen.short // step * step if seen.sizes else high))
    return side, side
