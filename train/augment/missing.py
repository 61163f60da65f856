"""Missing pixels: readers fill them with the picture's mean; here the network learns to live with such holes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .erasing import Erasing
from .recipe import Recipe

__all__ = ["against_missing"]


def against_missing(recipe: Recipe, masks: NDArray[Any] | None) -> tuple[Recipe, str]:
    """The recipe with erasing as frequent and as large as what is missing, and one line about it.

    `masks` are (N, H, W), or the share of every picture (N,). A recipe that erases more already keeps its own.
    """
    if masks is None or not masks.any():
        return recipe, ""
    share = masks.reshape(len(masks), -1).mean(axis=1)
    hit = share[share > 0]
    frequency = float(np.clip(len(hit) / len(share), 0.1, 0.5))
    largest = float(np.clip(np.quantile(hit, 0.9), 0.02, 0.4))
    said = f"{len(hit):,} of {len(share):,} images miss pixels (up to {100 * hit.max():.0f} %): filled"
    if recipe.erasing and recipe.erasing.probability >= frequency and recipe.erasing.area[1] >= largest:
        return recipe, f"{said}, and the recipe's erasing covers as much"
    erasing = Erasing(frequency, (min(0.02, largest), largest))
    return replace(recipe, erasing=erasing), f"{said}, and as much is erased at random while training"
