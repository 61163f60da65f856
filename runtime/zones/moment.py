"""One frame as lines and zones see it: which things are where, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Event", "Moment"]

Event = Mapping[str, Any]  # plain JSON types, `kind` first


@dataclass(frozen=True)
class Moment:
    """The followed things of a frame, confirmed ones only."""

    now: float  # seconds, of the source's own clock
    size: tuple[int, int]  # height and width
    numbers: tuple[int, ...]  # (N,) which thing
    labels: tuple[str, ...]  # (N,)
    points: NDArray[np.float64]  # (N, 2) where each stands, in pixels
    sizes: NDArray[np.float64]  # (N,) the mean of its box's sides, in pixels
