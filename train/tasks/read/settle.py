"""The threshold of a reader: the score under which a text is rather wrong than right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.decode.classify import softmax
from edgelens.runtime.decode.spelling.alignment import likelihood, spoken

from ...data.targets import Targets
from .data import rows_of

__all__ = ["ReadOnce", "read_once"]

_FEW = 20  # texts that say little: the usual threshold holds
_USUAL, _LOW, _HIGH = 0.5, 0.05, 0.95


@dataclass(frozen=True)
class ReadOnce:
    """What was read of pictures that nobody learned from, those left out in which nothing is."""

    sure: NDArray[np.float64]  # (N,) the probability of each whole text, as the device has it
    right: NDArray[np.bool_]  # (N,)

    @property
    def threshold(self) -> float:
        """Where right texts that are known, less wrong ones, are most; of several such places the one nearest to .5."""
        if len(self.sure) < _FEW:
            return _USUAL
        order = np.argsort(-self.sure, kind="stable")
        falling, gains = self.sure[order], np.cumsum(np.where(self.right[order], 1, -1))
        ends = np.append(np.diff(falling) != 0, True)  # equal scores are accepted together
        best = np.flatnonzero((gains == gains[ends].max()) & ends)
        # it is as good down to the next score; halfway at most, since a right one of tomorrow may lie a little lower
        below = (falling + np.append(falling[1:], 0.0))[best] / 2
        places = np.clip(_USUAL, below, falling[best])
        place = places[np.abs(places - _USUAL).argmin()]
        return float(np.clip(np.floor(place * 1e4) / 1e4, _LOW, _HIGH))  # never above what is right

    def told(self, threshold: float) -> str:
        """What a threshold does, in one line."""
        kept = self.sure >= threshold
        held = [f"{kept[those].mean():.1%} of the {word} ones"
                for word, those in (("right", self.right), ("wrong", ~self.right)) if those.any()]  # fmt: skip
        return f"under {threshold:.2f} a text is unknown, which keeps {' and '.join(held)}" if held else ""


def read_once(scores: NDArray[np.float32], targets: Targets) -> ReadOnce:
    """By scores (N, T, C) of pictures' steps, and what is written there."""
    sure, right = [], []
    for each, wanted in zip(scores, rows_of(targets), strict=True):
        steps = softmax(np.asarray(each, np.float64))
        if text := spoken(steps):
            sure.append(likelihood(steps, text))
            right.append(text == wanted)
    return ReadOnce(np.array(sure, np.float64), np.array(right, np.bool_))
