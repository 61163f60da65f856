"""One look at a followed thing, and what makes one answer of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..recognitions import Recognitions

__all__ = ["Look", "Voter", "is_whole"]

_NEAR, _LEAST = 0.04, 2.0  # of a box's side, and pixels: nearer to the picture's edge it is cut off there


@dataclass(frozen=True)
class Look:
    """What a step said of one picture of a thing, where the thing was then, and how clearly it was to be seen."""

    seen: Recognitions  # before anybody was named
    features: NDArray[np.float32] | None  # (D,) by which names are given
    box: NDArray[np.float32]  # (4,) x, y, w, h
    at: float  # seconds
    clearness: float  # above 0
    whole: bool = True  # not cut off by the picture's edge

    @property
    def vector(self) -> NDArray[np.float32] | None:
        """(D,) of length 1, what the thing looks like, where the step says that."""
        vectors = self.seen.embeddings
        return None if vectors is None or len(vectors) != 1 else vectors[0]


class Voter(Protocol):
    """One network's way from looks to an answer."""

    @property
    def network(self) -> Network:
        """Whose looks these are; another network's are nothing to it."""

    @property
    def edition(self) -> object:
        """What was taught, as it stands: looks vote again once this is another."""

    def limit(self, others: int) -> float:
        """The cosine that a new thing's look has with one of so many others' in one case of a hundred."""

    def vote(self, looks: Sequence[Look]) -> Recognitions:
        """What all say together, the newest look's place with it; the looks are in the order of their times."""


def is_whole(box: NDArray[np.float32], view: tuple[int, int, int, int]) -> bool:
    """Whether a box lies inside the view (x, y, w, h): what comes in or goes out shows only a part of itself."""
    near = np.maximum(_NEAR * box[2:], _LEAST)
    low, high = box[:2] - view[:2], np.add(view[:2], view[2:]) - box[:2] - box[2:]
    return bool((np.minimum(low, high) >= near).all())
