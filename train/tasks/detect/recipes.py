"""A detector's augmentations by name: milder in shape than a classifier's, wider in size."""

from __future__ import annotations

from collections.abc import Mapping

from ...augment import Recipe
from ...augment.colour import Colour
from ...augment.flip import Flip
from ...augment.mixup import Mixup
from ...augment.mosaic import Mosaic
from ...augment.shift import Shift
from ...augment.turn import Turn

__all__ = ["RECIPES"]

_COLOUR = Colour(0.25, 0.25, 0.3, hue_degrees=5)

RECIPES: Mapping[str, Recipe] = {
    "quick": Recipe("quick", flip=Flip(), shift=Shift(0.1), turn=Turn(degrees=0, zoom=0.2)),
    "default": Recipe(
        "default",
        flip=Flip(),
        shift=Shift(0.15),
        turn=Turn(degrees=0, zoom=0.5),
        colour=_COLOUR,
        mosaic=Mosaic(0.4),
        closing=0.15,
    ),
    "best": Recipe(
        "best",
        flip=Flip(),
        shift=Shift(0.15),
        turn=Turn(degrees=3, zoom=0.6),
        colour=_COLOUR,
        mosaic=Mosaic(0.6),
        mixup=Mixup(0.1, 8.0),
        closing=0.15,
    ),
    "from-above": Recipe(  # microscopes and aeroplanes: no side is up
        "from-above",
        flip=Flip(0.5, 0.5),
        shift=Shift(0.15),
        turn=Turn(degrees=3, zoom=0.5),
        colour=_COLOUR,
        mosaic=Mosaic(0.4),
        closing=0.15,
    ),
}
