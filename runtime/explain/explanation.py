"""An answer in its parts, where in the picture each was seen, and what it was found by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Explanation", "Heat", "Part", "Similar"]

Heat = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """A part of an answer, a class, a character or a thing, and where the network saw it."""

    label: str
    score: float
    heat: Heat = field(repr=False)  # (H, W) of the whole image; negative: speaks against it
    box: tuple[float, ...] | None = None  # x, y, w, h of a thing, in pixels of the image

    def at(self) -> tuple[int, int]:
        """x and y of the hottest pixel."""
        y, x = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        return int(x), int(y)


@dataclass(frozen=True)
class Similar:
    """A picture that an answer was found by."""

    name: str
    score: float  # how much it is like the picture that is explained
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)  # (H, W, 3) BGR; None where none was kept


@dataclass(frozen=True)
class Explanation:
    """What the network said of an image, and where it saw that."""

    parts: tuple[Part, ...]  # of the answer that is explained; a text's characters in their order, things by sureness
    said: str  # the answer that the network gave
    said_score: float  # of its least sure part
    method: str
    similar: tuple[Similar, ...] = ()  # best first
    between: str = ""  # the parts' labels

    @property
    def label(self) -> str:
        """The answer that is explained."""
        return self.between.join(part.label for part in self.parts)

    @property
    def score(self) -> float:
        """How sure its least sure part is."""
        return min(part.score for part in self.parts)

    @property
    def whole(self) -> Part:
        """The answer in one, its parts counted alike."""
        if len(self.parts) == 1:
            return self.parts[0]
        alike = [part.heat / max(float(np.abs(part.heat).max()), 1e-12) for part in self.parts]
        return Part(self.label, self.score, np.mean(alike, axis=0, dtype=np.float32))
