"""How far a share of so many pictures may be off by chance: intervals at 95 %, for figures, limits and gates."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

__all__ = ["interval", "paired_loss", "percent", "wilson"]

_Z = 1.96  # two-sided 95 %
_FINE = 1000  # pictures from which a second digit means something


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's interval around a share of `count` pictures, never outside 0 to 1; everything where there are none."""
    if count <= 0:
        return 0.0, 1.0
    inverse = _Z * _Z / count
    middle = (share + inverse / 2) / (1 + inverse)
    half = _Z * math.sqrt(max(share * (1 - share), 0.0) / count + inverse / (4 * count)) / (1 + inverse)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def paired_loss(before: NDArray[Any], after: NDArray[Any]) -> tuple[float, float]:
    """The interval of how much accuracy was lost, from which of the same pictures (N,) were right before and after.

    Only pictures that changed say anything; half a one is added to either side, or few would promise too much
    (Agresti and Min, 2005).
    """
    count = len(before) + 2
    lost, gained = float((before & ~after).sum()) + 0.5, float((~before & after).sum()) + 0.5
    middle = (lost - gained) / count
    half = _Z * math.sqrt(max((lost + gained) / count - middle * middle, 0.0) / count)
    return middle - half, middle + half


def percent(share: float, count: float) -> str:
    """A share of so many pictures in per cent with its interval: `83.6 % (79.2 to 87.2)`; as fine as they can tell."""
    return f"{100 * share:.{_digits(count)}f} % ({interval(share, count)})"


def interval(share: float, count: float) -> str:
    """Only what chance leaves open of it, in per cent: `79.2 to 87.2`."""
    low, high = wilson(share, count)
    return f"{100 * low:.{_digits(count)}f} to {100 * high:.{_digits(count)}f}"


def _digits(count: float) -> int:
    return 2 if count >= _FINE else 1
