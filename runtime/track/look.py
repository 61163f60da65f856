"""One look at a followed thing, and what makes one answer of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..recognitions import Recognitions

__all__ = ["Look", "Voter"]


@dataclass(frozen=True)
class Look:
    """What a step said of one picture of a thing, where the thing was then, and how clearly it was to be seen."""

    seen: Recognitions  # before anybody was named
    features: NDArray[np.float32] | None  # (D,) by which names are given
    box: NDArray[np.float32]  # (4,) x, y, w, h
    at: float  # seconds
    clearness: float  # above 0


class Voter(Protocol):
    """One network's way from looks to an answer."""

    @property
    def network(self) -> Network:
        """Whose looks these are; another network's are nothing to it."""

    @property
    def edition(self) -> object:
        """What was taught, as it stands: looks vote again once this is another."""

    def vote(self, looks: Sequence[Look]) -> Recognitions:
        """What all say together, the newest look's place with it; the looks are in the order of their times."""
