"""Classes with few images among classes with many: three remedies, and which one a data set asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import UsageError

__all__ = ["METHODS", "Remedy", "choose_remedy", "class_weights"]

METHODS = ("auto", "none", "weights", "balanced", "focal")
_EVEN, _STEEP, _FEW = 1.5, 20.0, 30  # largest class ÷ smallest: even enough, too steep for weights; images of a class


@dataclass(frozen=True)
class Remedy:
    """What is done about imbalance, and one line that says why."""

    method: str  # "none", "weights", "balanced" or "focal"
    why: str
    told: bool = True  # whether it is worth a line


def choose_remedy(counts: NDArray[Any], method: str = "auto", *, own_loss: bool = False) -> Remedy:
    """The remedy asked for, or the one that fits (C,) training images a class; a loss of one's own stays."""
    if method not in METHODS:
        raise UsageError(f"--imbalance {method}: must be one of {', '.join(METHODS)}")
    there = np.asarray(counts)[np.asarray(counts) > 0]
    most, fewest = (int(there.max()), int(there.min())) if len(there) else (0, 0)
    ratio = most / max(fewest, 1)
    facts = f"classes have {fewest:,} to {most:,} images"
    if method != "auto":
        return Remedy(method, f"{facts}; {method} was asked for", told=method != "none")
    if ratio <= _EVEN:
        return Remedy("none", f"{facts}: even enough", told=False)
    if ratio <= _STEEP:
        return Remedy("weights", f"{facts}: rare classes count more in the loss")
    if fewest >= _FEW:
        return Remedy("balanced", f"{facts}: weights would be too steep, so every class is drawn equally often")
    if own_loss:
        return Remedy("none", f"{facts}: focal loss would suit them, another was asked for; more of the rare ones help")
    return Remedy("focal", f"{facts}: too few to repeat them {ratio:.0f} times, so the loss looks at what is hard")


def class_weights(counts: NDArray[Any], largest: float = 10.0) -> NDArray[np.float32]:
    """(C,) weights by inverse frequency, so that every class weighs the same in all, up to `largest` times the mean.

    Over the training images they average 1, so the learning rate keeps its meaning.
    """
    counts = np.asarray(counts, np.float64)
    there = counts > 0
    weights = np.where(there, counts.sum() / np.maximum(counts, 1) / max(int(there.sum()), 1), 0.0)
    weights = np.minimum(weights, largest)
    return np.asarray(weights * counts.sum() / max((weights * counts).sum(), 1e-12), np.float32)
